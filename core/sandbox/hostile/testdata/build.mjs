// Builds the hostile guests that are not written in Go: node build.mjs DIR
// makes DIR/NAME.wasm of each of guests/NAME.*, where that is newer.
//
//   NAME.wat       fields of a module behind prelude.wat; or a whole (module ...)
//   NAME.wat.mjs   exports the same as a string, or a module's bytes
//   NAME.ts        AssemblyScript, with prelude.ts
//   NAME.rs        Rust, with prelude.rs
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
if (!process.argv[2]) throw new Error("say where to put the modules: node build.mjs DIR");
const out = resolve(process.argv[2]);
mkdirSync(out, { recursive: true });

// What a guest in WAT has unless it says otherwise.
const hooks = {
  $attack: "(param $stream i32)",
  $initialize: "",
  $buffer: "(param $size i32) (result i32) (i32.const 0x20000)",
  $hello: "(call $say (i32.const 64) (i32.const 38))",
  $event: "(param $type i32) (param $stream i32) (if (i32.eq (local.get $type) (i32.const 7)) (then (call $reset (local.get $stream))))",
  $frames: "(result i64) (call $written)",
};

const features = { bulk_memory: true, reference_types: true, simd: true, multi_value: true, sign_extension: true, mutable_globals: true, sat_float_to_int: true,
  multi_memory: true, threads: true, tail_call: true, exceptions: true };

let wabt;

// Assembles WAT. It is not validated: some of it must not be valid.
async function assemble(name, text) {
  if (!text.includes("(module")) {
    let whole = readFileSync(join(here, "prelude.wat"), "utf8") + text;
    if (!text.includes("(memory ")) whole += '(memory (export "memory") 36)\n';
    for (const [hook, body] of Object.entries(hooks)) {
      if (!new RegExp(`\\(func \\${hook}\\b`).test(text)) whole += `(func ${hook} ${body})\n`;
    }
    text = `(module\n${whole})`;
  }
  wabt ??= await (await import("wabt")).default();
  const module = wabt.parseWat(name, text, features);
  try {
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}

// Compiles AssemblyScript into a file.
async function script(path, to) {
  const { default: asc } = await import("assemblyscript/asc");
  const { error, stderr } = await asc.main([relative(here, path), "--baseDir", here, "--outFile", relative(here, to), "-O2", "--exportStart", "_initialize", "--use", "abort="]);
  if (error) throw new Error(`${stderr}`);
}

// The first of these that can make WebAssembly compiles Rust; make need-rust
// sees to it that there is one.
let rustc;
function rust(path, to) {
  rustc ??= ["rustc", "/usr/bin/rustc"].find((command) => {
    try {
      return existsSync(`${execFileSync(command, ["--print", "target-libdir", "--target", "wasm32-unknown-unknown"], { stdio: ["ignore", "pipe", "ignore"] })}`.trim());
    } catch {
      return false;
    }
  });
  if (!rustc) throw new Error("no rustc here can make WebAssembly: make need-rust");
  execFileSync(rustc, ["--edition", "2021", "--target", "wasm32-unknown-unknown", "--crate-type", "cdylib", "-C", "opt-level=2", "-C", "panic=abort", "-C", "strip=symbols",
    "--crate-name", "guest", "-o", to, path]);
}

async function module(file) {
  const path = join(here, "guests", file);
  if (file.endsWith(".wat")) return assemble(file, readFileSync(path, "utf8"));
  const made = (await import(pathToFileURL(path).href)).default;
  return typeof made === "string" ? assemble(file, made) : made;
}

const common = Math.max(...["build.mjs", "prelude.wat", "prelude.ts", "prelude.rs", "package-lock.json"].map((f) => statSync(join(here, f)).mtimeMs));
for (const file of readdirSync(join(here, "guests"))) {
  if (!/\.(wat|wat\.mjs|ts|rs)$/.test(file)) continue;
  const to = join(out, basename(file).replace(/\..*/, "") + ".wasm");
  const newest = Math.max(common, statSync(join(here, "guests", file)).mtimeMs);
  try {
    if (statSync(to).mtimeMs >= newest) continue;
  } catch {} // it is not there
  try {
    if (file.endsWith(".ts")) await script(join(here, "guests", file), to);
    else if (file.endsWith(".rs")) rust(join(here, "guests", file), to);
    else writeFileSync(to, await module(file));
  } catch (e) {
    throw new Error(`${file}: ${e.message}`);
  }
}

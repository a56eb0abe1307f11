// What the guests written in AssemblyScript share: they speak the wire by hand. A
// guest gives `serve` what it does with a stream, and exports what is exported here.

import { Code, Frame, Limit, Tag } from "../../../../sdk/assemblyscript/wire";

const input = memory.data(1 << 20);
const output = memory.data(1 << 20);
let end: usize = output;
let attack: (stream: u32) => void = (stream: u32): void => {};

export function serve(what: (stream: u32) => void): void {
  attack = what;
}

export function atoll_wire_1(): void {}

export function atoll_buffer(size: u32): usize {
  return input;
}

// frame begins a frame and gives where its payload goes.
function frame(type: u8, stream: u32, length: u32): usize {
  store<u32>(end, length);
  store<u32>(end, type, 4);
  store<u32>(end, stream, 8);
  const payload = end + Limit.FRAME_HEAD;
  end = payload + length;
  return payload;
}

// field writes the head of a field and gives where its value goes.
function field(at: usize, tag: u16, length: u32): usize {
  store<u32>(at, tag);
  store<u32>(at, length, 4);
  return at + Limit.FIELD_HEAD;
}

export function atoll_poll(length: u32): u64 {
  end = output;
  for (let at: usize = input; at < input + length; at += Limit.FRAME_HEAD + load<u32>(at)) {
    const stream = load<u32>(at, 8);
    switch (load<u8>(at, 4)) {
      case Frame.HELLO: {
        const minor = field(frame(Frame.HELLO, 0, 26), Tag.MINOR, 2);
        store<u16>(minor, 0);
        store<u64>(field(minor + 2, Tag.FEATURES, 8), 0);
        break;
      }
      case Frame.OPEN:
        attack(stream);
        break;
      case Frame.RESET:
        store<u16>(frame(Frame.RESET, stream, 2), Code.CANCELLED);
        break;
    }
  }
  return end == output ? 0 : ((output as u64) << 32) | (end - output);
}

// answer answers a stream with a text of ASCII.
export function answer(stream: u32, text: string): void {
  store<u16>(field(frame(Frame.HEAD, stream, 10), Tag.STATUS, 2), 200);
  const body = frame(Frame.DATA, stream, text.length);
  for (let n = 0; n < text.length; n++) store<u8>(body + n, text.charCodeAt(n) as u8);
  frame(Frame.END, stream, 0);
}

// Knocks on addresses, in every spelling, as if they were doors, and counts how often it is denied.
// answer: 200 40
const names = ["169.254.169.254", "http://169.254.169.254", "//169.254.169.254", "169.254.169.254:80", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "2852039166", "0xa9fea9fe",
  "0251.0376.0251.0376", "169.254.43518", "127.0.0.1", "127.1", "0", "0.0.0.0", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[0:0:0:0:0:ffff:7f00:1]", "2130706433", "0x7f000001", "0177.0.0.1",
  "localhost", "localhost.", "LOCALHOST", "metadata.google.internal", "kubernetes.default.svc", "10.0.0.1:6443", "unix:///run/containerd/containerd.sock", "file:///etc/passwd",
  "echo@127.0.0.1", "127.0.0.1#echo", "127.0.0.1?echo", "echo:80", "echo.", "Echo", "echo ", " echo", "echo\\00", "echo/../stuck", "\\e2\\93\\94cho"];
const size = (s) => s.replace(/\\../g, "x").length;
let at = 1024;
const places = names.map((s) => [at, (at += size(s)) - at, s, at - size(s)]);
export default `(global $denied (mut i32) (i32.const 0)) (global $seen (mut i32) (i32.const 0))
(data (i32.const 1024) "${names.join("")}")
(func $attack (param $stream i32) (global.set $asked (local.get $stream))
  ${places.map(([, , s, start], n) => `(call $ask (i32.const ${2 * n + 2}) (local.get $stream) (i32.const ${start}) (i32.const ${size(s)}))`).join("\n")})
(func $event (param $type i32) (param $stream i32)
  (if (i32.and (local.get $stream) (i32.const 1)) (then (return)))
  (if (i32.eq (local.get $type) (i32.const 7)) (then
    (call $reset (local.get $stream))
    (if (i32.eq (i32.load16_u offset=12 (global.get $in)) (i32.const 2)) (then (global.set $denied (i32.add (global.get $denied) (i32.const 1)))))))
  (if (i32.or (i32.eq (local.get $type) (i32.const 7)) (i32.eq (local.get $type) (i32.const 3))) (then
    (global.set $seen (i32.add (global.get $seen) (i32.const 1)))
    (if (i32.eq (global.get $seen) (i32.const ${names.length})) (then (call $digits (global.get $asked) (global.get $denied)))))))`;

// A function with 4 billion locals, said in five bytes.
// answer: refused locals of a function
const text = new TextEncoder();
const uleb = (n) => { const b = []; do { b.push((n & 127) | (n > 127 ? 128 : 0)); n >>>= 7; } while (n); return b; };
const section = (id, ...parts) => { const c = parts.flat(); return [id, ...uleb(c.length), ...c]; };
const name = (s) => [s.length, ...text.encode(s)];
export const bomb = (locals, code) => {
  const body = [...locals, ...code, 0x0b];
  return new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [3, 0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 1, 0x7f, 1, 0x7e]), ...section(3, [4, 0, 1, 2, 0]), ...section(5, [1, 0, 1]),
    ...section(7, [4], name("memory"), [2, 0], name("atoll_wire_1"), [0, 0], name("atoll_buffer"), [0, 1], name("atoll_poll"), [0, 2]),
    ...section(10, [4], [2, 0, 0x0b], [4, 0, 0x41, 0, 0x0b], [4, 0, 0x42, 0, 0x0b], uleb(body.length), body)]);
};
export default bomb([1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7e], []);

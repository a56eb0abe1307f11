// Puts more and more into an array.
// answer: fault memory
// with: cpu=10s
import { serve } from "../prelude";
export { atoll_buffer, atoll_poll, atoll_wire_1 } from "../prelude";

const all = new Array<StaticArray<u8>>();
serve((stream: u32): void => {
  for (;;) all.push(new StaticArray<u8>(1 << 16));
});

// Reads behind the end of an array, which its runtime notices.
// answer: fault trap
import { serve } from "../prelude";
export { atoll_buffer, atoll_poll, atoll_wire_1 } from "../prelude";

const all = [1, 2, 3];
serve((stream: u32): void => {
  all[stream + 100] += 1;
});

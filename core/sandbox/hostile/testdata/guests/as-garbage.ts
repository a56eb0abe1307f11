// Makes garbage without end, which its collector takes away, so that it never has too much.
// answer: fault time
import { serve } from "../prelude";
export { atoll_buffer, atoll_poll, atoll_wire_1 } from "../prelude";

let last = "";
serve((stream: u32): void => {
  for (let n = 0; ; n++) last = n.toString() + "garbage";
});

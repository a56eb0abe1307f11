// Calls itself without end, with an object of each call still to be used after it: its collector keeps a stack of them, which runs out.
// answer: fault trap
import { answer, serve } from "../prelude";
export { atoll_buffer, atoll_poll, atoll_wire_1 } from "../prelude";

class Link {
  constructor(public n: i32) {}
}
function down(link: Link): i32 {
  return down(new Link(link.n + 1)) + link.n;
}
serve((stream: u32): void => answer(stream, down(new Link(0)).toString()));

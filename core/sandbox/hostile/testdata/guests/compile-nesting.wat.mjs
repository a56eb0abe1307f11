// A function with 200,000 blocks one within the other.
// answer: refused
import { bomb } from "./compile-locals.wat.mjs";
export default bomb([0], [...Array(200_000).fill([0x02, 0x40]).flat(), ...Array(200_000).fill(0x0b)]);

// Half a module.
// answer: refused cannot be read
import { bomb } from "./compile-locals.wat.mjs";
export default bomb([0], []).slice(0, 60);

// Frames made fat by 900 parameters and 900 results of each call.
// answer: fault stack
const all = [...Array(900).keys()];
export default `(type $fat (func (param ${"i64 ".repeat(900)}) (result ${"i64 ".repeat(900)})))
(func $fat (type $fat) ${all.map((n) => `local.get ${n} `).join("")} call $fat)
(func $attack (param $stream i32) ${"i64.const 1 ".repeat(900)} call $fat ${"drop ".repeat(900)})`;

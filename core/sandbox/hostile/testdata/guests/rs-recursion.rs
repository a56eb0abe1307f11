// Calls itself without end, with 4 KiB of its own stack in each call: that lies in its memory, below which there is nothing.
// answer: fault trap
#[path = "../prelude.rs"]
mod prelude;

#[allow(unconditional_recursion)]
fn down(deep: u64, above: &[u64; 512]) -> u64 {
    let mut own = *above;
    own[(deep % 512) as usize] += deep;
    own[0] + down(deep + 1, &own) + own[511]
}

fn attack(stream: u32) {
    prelude::answer(stream, &down(0, &[0; 512]).to_string());
}

// Puts more and more into a vector.
// answer: fault memory
// with: cpu=10s
#[path = "../prelude.rs"]
mod prelude;

fn attack(stream: u32) {
    let mut all: Vec<Vec<u64>> = Vec::new();
    while all.len() < 1 << 20 {
        all.push(vec![all.len() as u64; 1 << 14]);
    }
    prelude::answer(stream, &all[stream as usize][0].to_string());
}

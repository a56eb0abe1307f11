// Counts words in a map whose keys all fall on one another: work that grows with the square of what it is given.
// answer: fault time
#[path = "../prelude.rs"]
mod prelude;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

#[derive(Default)]
struct Same;

impl Hasher for Same {
    fn finish(&self) -> u64 {
        0
    }
    fn write(&mut self, _: &[u8]) {}
}

fn attack(stream: u32) {
    let mut counts: HashMap<u64, u64, BuildHasherDefault<Same>> = HashMap::default();
    for n in 0..1 << 17 {
        *counts.entry(n).or_default() += 1;
    }
    prelude::answer(stream, &counts.len().to_string());
}

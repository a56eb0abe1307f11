// Panics while it panics.
// answer: fault trap
#[path = "../prelude.rs"]
mod prelude;

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("and again");
    }
}

fn attack(stream: u32) {
    let _bomb = Bomb;
    let none: Option<&str> = None;
    prelude::answer(stream, none.expect("once"));
}

//! What the guests written in Rust share: they speak the wire by hand. A guest
//! has a function `attack`, which is called with the stream of each request.

#[path = "../../../../sdk/rust/wire.rs"]
#[allow(dead_code)]
mod wire;

use std::cell::RefCell;
use wire::{code, frame, limit, tag};

thread_local! {
    static INPUT: RefCell<Vec<u8>> = RefCell::new(vec![0; limit::MAX_BATCH as usize]);
    static OUTPUT: RefCell<Vec<u8>> = RefCell::new(Vec::new());
}

#[no_mangle]
pub extern "C" fn atoll_wire_1() {}

#[no_mangle]
pub extern "C" fn atoll_buffer(_size: u32) -> *mut u8 {
    INPUT.with(|input| input.borrow_mut().as_mut_ptr())
}

#[no_mangle]
pub extern "C" fn atoll_poll(length: u32) -> u64 {
    OUTPUT.with(|output| output.borrow_mut().clear());
    let input = INPUT.with(|input| input.borrow()[..length as usize].to_vec());
    let number = |at: usize| u32::from_le_bytes(input[at..at + 4].try_into().unwrap());
    let mut at = 0;
    while at < input.len() {
        let stream = number(at + 8);
        match input[at + 4] {
            frame::HELLO => {
                let minor = field(tag::MINOR, &0u16.to_le_bytes());
                say(frame::HELLO, 0, &[minor, field(tag::FEATURES, &0u64.to_le_bytes())].concat());
            }
            frame::OPEN => crate::attack(stream),
            frame::RESET => say(frame::RESET, stream, &code::CANCELLED.to_le_bytes()),
            _ => {}
        }
        at += limit::FRAME_HEAD as usize + number(at) as usize;
    }
    OUTPUT.with(|output| {
        let output = output.borrow();
        if output.is_empty() {
            return 0;
        }
        (output.as_ptr() as u64) << 32 | output.len() as u64
    })
}

fn field(tag: u16, value: &[u8]) -> Vec<u8> {
    [&tag.to_le_bytes()[..], &[0, 0], &(value.len() as u32).to_le_bytes(), value].concat()
}

fn say(kind: u8, stream: u32, payload: &[u8]) {
    OUTPUT.with(|output| {
        let mut output = output.borrow_mut();
        output.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        output.extend_from_slice(&[kind, 0, 0, 0]);
        output.extend_from_slice(&stream.to_le_bytes());
        output.extend_from_slice(payload);
    })
}

/// Answers a stream with a text.
pub fn answer(stream: u32, text: &str) {
    say(frame::HEAD, stream, &field(tag::STATUS, &200u16.to_le_bytes()));
    say(frame::DATA, stream, text.as_bytes());
    say(frame::END, stream, &[]);
}

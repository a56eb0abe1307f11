// Code generated from sdk/wire/wire.json by sdk/wire/generate. DO NOT EDIT.

//! The numbers of the wire, ABI v1. The specification is sdk/wire/README.md.

/// Limits that hold in every version of ABI v1.
pub mod limit {
    /// bytes: length, type, flags, two zero bytes, stream
    pub const FRAME_HEAD: u32 = 12;
    /// bytes: tag, flags, length
    pub const FIELD_HEAD: u32 = 8;
    /// bytes: of one frame
    pub const MAX_PAYLOAD: u32 = 65536;
    /// bytes: of one field block
    pub const MAX_FIELDS: u32 = 32768;
    /// bytes: of all frames handed over in one poll, either way
    pub const MAX_BATCH: u32 = 1048576;
    /// bytes: of the text of a RESET
    pub const MAX_TEXT: u32 = 1024;
    /// bytes: of the close text of a WebSocket
    pub const MAX_CLOSE_TEXT: u32 = 123;
    /// ids stay below it; an instance is drained before
    pub const MAX_STREAM: u32 = 1073741824;
    /// bytes: no window grows to it
    pub const MAX_WINDOW: u32 = 2147483648;
    /// bytes: what a side may send on a new stream before it is given more
    pub const STREAM_WINDOW: u32 = 32768;
    /// bytes: credit of a stream is given back in steps of at least so many
    pub const STREAM_STEP: u32 = 16384;
    /// the instance's window is its memory limit divided by this
    pub const INSTANCE_SHARE: u32 = 4;
    /// credit of the instance is given back in steps of at least its memory limit divided by this
    pub const INSTANCE_STEP_SHARE: u32 = 16;
    /// bytes: what DATA with the message flag counts against the windows on top of its payload
    pub const MESSAGE_COST: u32 = 16;
    /// milliseconds: within which a RESET is answered
    pub const RESET_GRACE: u32 = 30000;
}

/// Types of frames.
pub mod frame {
    /// both, once, first: versions, features, limits, settings
    pub const HELLO: u8 = 1;
    /// both: a request head; host odd ids, guest even ones
    pub const OPEN: u8 = 2;
    /// both: the response head, exactly once a stream
    pub const HEAD: u8 = 3;
    /// both: body
    pub const DATA: u8 = 4;
    /// both: this side has said all; trailers
    pub const END: u8 = 5;
    /// both: send no more body, the answer stands
    pub const STOP: u8 = 6;
    /// both: the stream is dead; answered with Reset once
    pub const RESET: u8 = 7;
    /// both: so many more bytes of Data may be sent
    pub const WINDOW: u8 = 8;
    /// guest: forward another stream's body in the host
    pub const SPLICE: u8 = 9;
    /// guest: poll me by then
    pub const WAKE: u8 = 10;
    /// guest: a line for the log
    pub const LOG: u8 = 11;
    /// host: finish what is open
    pub const DRAIN: u8 = 12;
}

/// Flags of frames.
pub mod flag {
    /// who does not know this type resets the stream (`unsupported`) instead of skipping the frame
    pub const CRITICAL: u8 = 128;
    /// this DATA ends a message
    pub const MESSAGE: u8 = 1;
    /// the message is text
    pub const TEXT: u8 = 2;
}

/// Codes of RESET and STOP. The list is closed.
pub mod code {
    /// the other side lost interest
    pub const CANCELLED: u16 = 1;
    /// not permitted
    pub const DENIED: u16 = 2;
    /// no such thing
    pub const NOT_FOUND: u16 = 3;
    /// it changed meanwhile, or exists already
    pub const CONFLICT: u16 = 4;
    /// the request cannot be understood
    pub const INVALID: u16 = 5;
    /// over a size limit
    pub const TOO_LARGE: u16 = 6;
    /// too much, too often; later it may work
    pub const RATE_LIMITED: u16 = 7;
    /// time ran out
    pub const DEADLINE: u16 = 8;
    /// what stands behind does not answer
    pub const UNAVAILABLE: u16 = 9;
    /// not known to this version, or never
    pub const UNSUPPORTED: u16 = 10;
    /// the answering side failed
    pub const INTERNAL: u16 = 11;
}

/// Tags of fields.
pub mod tag {
    /// OPEN, both ways. text
    pub const METHOD: u16 = 1;
    /// OPEN, both ways. text
    pub const AUTHORITY: u16 = 2;
    /// OPEN, both ways. text: path and query
    pub const TARGET: u16 = 3;
    /// OPEN, both ways. name \0 value; repeated
    pub const HEADER: u16 = 4;
    /// OPEN, both ways. text: the stream is an upgrade
    pub const PROTOCOL: u16 = 5;
    /// OPEN, host to guest only. text
    pub const USER: u16 = 16;
    /// OPEN, host to guest only. text
    pub const USER_UID: u16 = 17;
    /// OPEN, host to guest only. text; repeated
    pub const GROUP: u16 = 18;
    /// OPEN, host to guest only. text
    pub const WORKSPACE: u16 = 19;
    /// OPEN, host to guest only. text
    pub const WORKSPACE_UID: u16 = 20;
    /// OPEN, host to guest only. text
    pub const PROJECT: u16 = 21;
    /// OPEN, host to guest only. text
    pub const PROJECT_UID: u16 = 22;
    /// OPEN, host to guest only. text
    pub const CLUSTER: u16 = 23;
    /// OPEN, host to guest only. u64: milliseconds from now
    pub const DEADLINE: u16 = 24;
    /// OPEN, host to guest only. text
    pub const REQUEST_ID: u16 = 25;
    /// OPEN, host to guest only. text
    pub const TRACEPARENT: u16 = 26;
    /// OPEN, host to guest only. text
    pub const LOCALE: u16 = 27;
    /// OPEN, guest to host only. u32: the host's stream on whose behalf
    pub const PARENT: u16 = 32;
    /// HEAD. u16: 200 to 599
    pub const STATUS: u16 = 48;
    /// END. u16: of a `websocket`
    pub const CLOSE_CODE: u16 = 49;
    /// END. text: of a `websocket`; at most 123 bytes
    pub const CLOSE_TEXT: u16 = 50;
    /// LOG. i32: as log/slog counts: -4, 0, 4, 8
    pub const LEVEL: u16 = 64;
    /// LOG. text
    pub const TEXT: u16 = 65;
    /// LOG. name \0 value; repeated
    pub const ATTRIBUTE: u16 = 66;
    /// LOG. u32: the stream it belongs to
    pub const STREAM: u16 = 67;
    /// HELLO. u16: minor version
    pub const MINOR: u16 = 80;
    /// HELLO. u64: bits: the host says what it has, the guest what it uses of that
    pub const FEATURES: u16 = 81;
    /// HELLO. 32 bytes
    pub const SEED: u16 = 82;
    /// HELLO. name \0 value; repeated
    pub const SETTING: u16 = 83;
    /// HELLO. u64: the instance's limit in bytes
    pub const MEMORY: u16 = 84;
    /// HELLO. u32: open at once, each way
    pub const STREAMS: u16 = 85;
}

/// Flags of fields.
pub mod field_flag {
    /// who does not know the tag resets the stream (`unsupported`) instead of skipping the field
    pub const CRITICAL: u16 = 32768;
}

/// Bits of the features field.
pub mod feature {
    /// what `atoll_buffer` answered stays good for batches that fit, until it is asked again: the host enters the guest once a batch instead of twice
    pub const BUFFER: u64 = 1;
}

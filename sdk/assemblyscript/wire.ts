// Code generated from sdk/wire/wire.json by sdk/wire/generate. DO NOT EDIT.

// The numbers of the wire, ABI v1. The specification is sdk/wire/README.md.

/** Limits that hold in every version of ABI v1. */
export namespace Limit {
  /** bytes: length, type, flags, two zero bytes, stream */
  export const FRAME_HEAD: u32 = 12;
  /** bytes: tag, flags, length */
  export const FIELD_HEAD: u32 = 8;
  /** bytes: of one frame */
  export const MAX_PAYLOAD: u32 = 65536;
  /** bytes: of one field block */
  export const MAX_FIELDS: u32 = 32768;
  /** bytes: of all frames handed over in one poll, either way */
  export const MAX_BATCH: u32 = 1048576;
  /** bytes: of the text of a RESET */
  export const MAX_TEXT: u32 = 1024;
  /** bytes: of the close text of a WebSocket */
  export const MAX_CLOSE_TEXT: u32 = 123;
  /** ids stay below it; an instance is drained before */
  export const MAX_STREAM: u32 = 1073741824;
  /** bytes: no window grows to it */
  export const MAX_WINDOW: u32 = 2147483648;
  /** bytes: what a side may send on a new stream before it is given more */
  export const STREAM_WINDOW: u32 = 32768;
  /** bytes: credit of a stream is given back in steps of at least so many */
  export const STREAM_STEP: u32 = 16384;
  /** the instance's window is its memory limit divided by this */
  export const INSTANCE_SHARE: u32 = 4;
  /** credit of the instance is given back in steps of at least its memory limit divided by this */
  export const INSTANCE_STEP_SHARE: u32 = 16;
  /** bytes: what DATA with the message flag counts against the windows on top of its payload */
  export const MESSAGE_COST: u32 = 16;
  /** milliseconds: within which a RESET is answered */
  export const RESET_GRACE: u32 = 30000;
}

/** Types of frames. */
export namespace Frame {
  /** both, once, first: versions, features, limits, settings */
  export const HELLO: u8 = 1;
  /** both: a request head; host odd ids, guest even ones */
  export const OPEN: u8 = 2;
  /** both: the response head, exactly once a stream */
  export const HEAD: u8 = 3;
  /** both: body */
  export const DATA: u8 = 4;
  /** both: this side has said all; trailers */
  export const END: u8 = 5;
  /** both: send no more body, the answer stands */
  export const STOP: u8 = 6;
  /** both: the stream is dead; answered with Reset once */
  export const RESET: u8 = 7;
  /** both: so many more bytes of Data may be sent */
  export const WINDOW: u8 = 8;
  /** guest: forward another stream's body in the host */
  export const SPLICE: u8 = 9;
  /** guest: poll me by then */
  export const WAKE: u8 = 10;
  /** guest: a line for the log */
  export const LOG: u8 = 11;
  /** host: finish what is open */
  export const DRAIN: u8 = 12;
}

/** Flags of frames. */
export namespace Flag {
  /** who does not know this type resets the stream (`unsupported`) instead of skipping the frame */
  export const CRITICAL: u8 = 128;
  /** this DATA ends a message */
  export const MESSAGE: u8 = 1;
  /** the message is text */
  export const TEXT: u8 = 2;
}

/** Codes of RESET and STOP. The list is closed. */
export namespace Code {
  /** the other side lost interest */
  export const CANCELLED: u16 = 1;
  /** not permitted */
  export const DENIED: u16 = 2;
  /** no such thing */
  export const NOT_FOUND: u16 = 3;
  /** it changed meanwhile, or exists already */
  export const CONFLICT: u16 = 4;
  /** the request cannot be understood */
  export const INVALID: u16 = 5;
  /** over a size limit */
  export const TOO_LARGE: u16 = 6;
  /** too much, too often; later it may work */
  export const RATE_LIMITED: u16 = 7;
  /** time ran out */
  export const DEADLINE: u16 = 8;
  /** what stands behind does not answer */
  export const UNAVAILABLE: u16 = 9;
  /** not known to this version, or never */
  export const UNSUPPORTED: u16 = 10;
  /** the answering side failed */
  export const INTERNAL: u16 = 11;
}

/** Tags of fields. */
export namespace Tag {
  /** OPEN, both ways. text */
  export const METHOD: u16 = 1;
  /** OPEN, both ways. text */
  export const AUTHORITY: u16 = 2;
  /** OPEN, both ways. text: path and query */
  export const TARGET: u16 = 3;
  /** OPEN, both ways. name \0 value; repeated */
  export const HEADER: u16 = 4;
  /** OPEN, both ways. text: the stream is an upgrade */
  export const PROTOCOL: u16 = 5;
  /** OPEN, host to guest only. text */
  export const USER: u16 = 16;
  /** OPEN, host to guest only. text */
  export const USER_UID: u16 = 17;
  /** OPEN, host to guest only. text; repeated */
  export const GROUP: u16 = 18;
  /** OPEN, host to guest only. text */
  export const WORKSPACE: u16 = 19;
  /** OPEN, host to guest only. text */
  export const WORKSPACE_UID: u16 = 20;
  /** OPEN, host to guest only. text */
  export const PROJECT: u16 = 21;
  /** OPEN, host to guest only. text */
  export const PROJECT_UID: u16 = 22;
  /** OPEN, host to guest only. text */
  export const CLUSTER: u16 = 23;
  /** OPEN, host to guest only. u64: milliseconds from now */
  export const DEADLINE: u16 = 24;
  /** OPEN, host to guest only. text */
  export const REQUEST_ID: u16 = 25;
  /** OPEN, host to guest only. text */
  export const TRACEPARENT: u16 = 26;
  /** OPEN, host to guest only. text */
  export const LOCALE: u16 = 27;
  /** OPEN, guest to host only. u32: the host's stream on whose behalf */
  export const PARENT: u16 = 32;
  /** HEAD. u16: 200 to 599 */
  export const STATUS: u16 = 48;
  /** END. u16: of a `websocket` */
  export const CLOSE_CODE: u16 = 49;
  /** END. text: of a `websocket`; at most 123 bytes */
  export const CLOSE_TEXT: u16 = 50;
  /** LOG. i32: as log/slog counts: -4, 0, 4, 8 */
  export const LEVEL: u16 = 64;
  /** LOG. text */
  export const TEXT: u16 = 65;
  /** LOG. name \0 value; repeated */
  export const ATTRIBUTE: u16 = 66;
  /** LOG. u32: the stream it belongs to */
  export const STREAM: u16 = 67;
  /** HELLO. u16: minor version */
  export const MINOR: u16 = 80;
  /** HELLO. u64: bits: the host says what it has, the guest what it uses of that */
  export const FEATURES: u16 = 81;
  /** HELLO. 32 bytes */
  export const SEED: u16 = 82;
  /** HELLO. name \0 value; repeated */
  export const SETTING: u16 = 83;
  /** HELLO. u64: the instance's limit in bytes */
  export const MEMORY: u16 = 84;
  /** HELLO. u32: open at once, each way */
  export const STREAMS: u16 = 85;
}

/** Flags of fields. */
export namespace FieldFlag {
  /** who does not know the tag resets the stream (`unsupported`) instead of skipping the field */
  export const CRITICAL: u16 = 32768;
}

/** Bits of the features field. */
export namespace Feature {
  /** what `atoll_buffer` answered stays good for batches that fit, until it is asked again: the host enters the guest once a batch instead of twice */
  export const BUFFER: u64 = 1;
}

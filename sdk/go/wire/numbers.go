// Code generated from sdk/wire/wire.json by sdk/wire/generate. DO NOT EDIT.

package wire

// Limits that hold in every version of ABI v1.
const (
	FrameHead         = 12       // bytes: length, type, flags, two zero bytes, stream
	FieldHead         = 8        // bytes: tag, flags, length
	MaxPayload        = 64 << 10 // bytes: of one frame
	MaxFields         = 32 << 10 // bytes: of one field block
	MaxBatch          = 1 << 20  // bytes: of all frames handed over in one poll, either way
	MaxText           = 1 << 10  // bytes: of the text of a RESET
	MaxCloseText      = 123      // bytes: of the close text of a WebSocket
	MaxStream         = 1 << 30  // ids stay below it; an instance is drained before
	MaxWindow         = 1 << 31  // bytes: no window grows to it
	StreamWindow      = 32 << 10 // bytes: what a side may send on a new stream before it is given more
	StreamStep        = 16 << 10 // bytes: credit of a stream is given back in steps of at least so many
	InstanceShare     = 4        // the instance's window is its memory limit divided by this
	InstanceStepShare = 16       // credit of the instance is given back in steps of at least its memory limit divided by this
	MessageCost       = 16       // bytes: what DATA with the message flag counts against the windows on top of its payload
	ResetGrace        = 30000    // milliseconds: within which a RESET is answered
)

// The frames of ABI v1.
const (
	Hello  Type = 1  // both, once, first: versions, features, limits, settings
	Open   Type = 2  // both: a request head; host odd ids, guest even ones
	Head   Type = 3  // both: the response head, exactly once a stream
	Data   Type = 4  // both: body
	End    Type = 5  // both: this side has said all; trailers
	Stop   Type = 6  // both: send no more body, the answer stands
	Reset  Type = 7  // both: the stream is dead; answered with Reset once
	Window Type = 8  // both: so many more bytes of Data may be sent
	Splice Type = 9  // guest: forward another stream's body in the host
	Wake   Type = 10 // guest: poll me by then
	Log    Type = 11 // guest: a line for the log
	Drain  Type = 12 // host: finish what is open
)

var typeNames = [...]string{
	Hello:  "HELLO",
	Open:   "OPEN",
	Head:   "HEAD",
	Data:   "DATA",
	End:    "END",
	Stop:   "STOP",
	Reset:  "RESET",
	Window: "WINDOW",
	Splice: "SPLICE",
	Wake:   "WAKE",
	Log:    "LOG",
	Drain:  "DRAIN",
}

// Flags of frames.
const (
	Critical Flags = 0x80 // who does not know this type resets the stream (`unsupported`) instead of skipping the frame
	Message  Flags = 0x01 // this DATA ends a message
	Text     Flags = 0x02 // the message is text
)

// Codes.
const (
	Cancelled   Code = 1  // the other side lost interest
	Denied      Code = 2  // not permitted
	NotFound    Code = 3  // no such thing
	Conflict    Code = 4  // it changed meanwhile, or exists already
	Invalid     Code = 5  // the request cannot be understood
	TooLarge    Code = 6  // over a size limit
	RateLimited Code = 7  // too much, too often; later it may work
	Deadline    Code = 8  // time ran out
	Unavailable Code = 9  // what stands behind does not answer
	Unsupported Code = 10 // not known to this version, or never
	Internal    Code = 11 // the answering side failed
)

var codeNames = [...]string{
	Cancelled:   "cancelled",
	Denied:      "denied",
	NotFound:    "not_found",
	Conflict:    "conflict",
	Invalid:     "invalid",
	TooLarge:    "too_large",
	RateLimited: "rate_limited",
	Deadline:    "deadline",
	Unavailable: "unavailable",
	Unsupported: "unsupported",
	Internal:    "internal",
}

// The tags of ABI v1. The comment says the value's form and where it stands;
// integers are little endian, text is UTF-8.
const (
	// OPEN, both ways.
	TagMethod    Tag = 1 // text
	TagAuthority Tag = 2 // text
	TagTarget    Tag = 3 // text: path and query
	TagHeader    Tag = 4 // name \0 value; repeated; in HEAD and END too
	TagProtocol  Tag = 5 // text: the stream is an upgrade

	// OPEN, host to guest only.
	TagUser         Tag = 16 // text
	TagUserUID      Tag = 17 // text
	TagGroup        Tag = 18 // text; repeated
	TagWorkspace    Tag = 19 // text
	TagWorkspaceUID Tag = 20 // text
	TagProject      Tag = 21 // text
	TagProjectUID   Tag = 22 // text
	TagCluster      Tag = 23 // text
	TagDeadline     Tag = 24 // u64: milliseconds from now
	TagRequestID    Tag = 25 // text
	TagTraceparent  Tag = 26 // text
	TagLocale       Tag = 27 // text

	// OPEN, guest to host only.
	TagParent Tag = 32 // u32: the host's stream on whose behalf

	// HEAD.
	TagStatus Tag = 48 // u16: 200 to 599

	// END.
	TagCloseCode Tag = 49 // u16: of a `websocket`
	TagCloseText Tag = 50 // text: of a `websocket`; at most 123 bytes

	// LOG.
	TagLevel     Tag = 64 // i32: as log/slog counts: -4, 0, 4, 8
	TagText      Tag = 65 // text
	TagAttribute Tag = 66 // name \0 value; repeated
	TagStream    Tag = 67 // u32: the stream it belongs to

	// HELLO.
	TagMinor    Tag = 80 // u16: minor version
	TagFeatures Tag = 81 // u64: bits: the host says what it has, the guest what it uses of that
	TagSeed     Tag = 82 // 32 bytes; host to guest
	TagSetting  Tag = 83 // name \0 value; repeated; host to guest
	TagMemory   Tag = 84 // u64: the instance's limit in bytes; host to guest
	TagStreams  Tag = 85 // u32: open at once, each way; host to guest
)

// CriticalField is a flag of fields: who does not know the tag resets the
// stream (`unsupported`) instead of skipping the field.
const CriticalField uint16 = 0x8000

// FeatureBuffer is a bit of TagFeatures: what `atoll_buffer` answered stays
// good for batches that fit, until it is asked again: the host enters the guest
// once a batch instead of twice.
const FeatureBuffer uint64 = 0x1

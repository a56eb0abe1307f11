// Code generated from schema.json by ./generate. DO NOT EDIT.

package fragment

import "encoding/json"

// Fragment: What a guest answers when the console asks for a piece of its user interface.
type Fragment struct {
	// Title of the page; a tab has its label from the contribution.
	Title Text `json:"title,omitempty"`
	// Data sources by name. A Ref begins with the name of one of them. 'filter' and 'context' are the host's and cannot be declared.
	Data map[string]Source `json:"data,omitempty"`
	// Buttons in the head of the page.
	Actions []Action `json:"actions,omitempty"`
	// What is shown.
	Body Node `json:"body"`
}

// MarshalJSON writes the Fragment with the properties that never vary.
func (v Fragment) MarshalJSON() ([]byte, error) {
	type plain Fragment
	return json.Marshal(struct {
		UI string `json:"ui"`
		plain
	}{"v1", plain(v)})
}

// Contributions: The file ui/contributions.yaml of a package: where in the console the extension appears. Read at install, without running code.
type Contributions struct {
	// All places.
	Contributions []Contribution `json:"contributions"`
}

// Contribution: One place in the console.
type Contribution struct {
	// Which kind of place.
	Slot Slot `json:"slot"`
	// Name of this contribution, unique in its slot within the extension.
	ID string `json:"id"`
	// The text of the menu entry or tab.
	Label Text `json:"label,omitempty"`
	// Name of an icon of the console.
	Icon Icon `json:"icon,omitempty"`
	// Smaller comes first; only among contributions of extensions.
	Order int `json:"order,omitempty"`
	// Where it appears: pages name their scope, tabs name a kind.
	Match *Match `json:"match,omitempty"`
	// Menu entries and pages: the path of the page below the extension's own place in the scope.
	Route string `json:"route,omitempty"`
	// Pages and tabs: path of the fragment that the guest answers.
	Fragment string `json:"fragment,omitempty"`
	// What the person must be allowed to; otherwise it is shown disabled, with what is missing.
	Requires []Require `json:"requires,omitempty"`
}

// Match: Where a contribution appears.
type Match struct {
	// For resource.tab: the kind of object.
	GVR GVR `json:"gvr,omitempty"`
	// For page: the scope that the page lives in.
	Scope Scope `json:"scope,omitempty"`
}

// Slot: A kind of place in the console.
type Slot string

// The values of Slot.
const (
	SlotNavPlatform  Slot = "nav.platform"
	SlotNavWorkspace Slot = "nav.workspace"
	SlotNavProject   Slot = "nav.project"
	SlotPage         Slot = "page"
	SlotResourceTab  Slot = "resource.tab"
)

// Scope: The scope of a page.
type Scope string

// The values of Scope.
const (
	ScopePlatform  Scope = "platform"
	ScopeWorkspace Scope = "workspace"
	ScopeProject   Scope = "project"
)

// Ref: A reference to data: a JSON Pointer. '/pods/items' begins with the name of a data source, '/filter/text' reads the state of the page's Filter controls, '/context/project' the scope of the page (cluster, workspace, project, and on tabs gvr, namespace, name, uid). Without a leading slash it is relative to the current row of a Table.
type Ref struct {
	// The pointer.
	Pointer string `json:"$"`
	// Formatter for the value.
	As Format `json:"as,omitempty"`
	// What is shown when there is nothing at the pointer.
	Else string `json:"else,omitempty"`
}

// Message: A text of the package's texts/<language>.yaml by its key. The host replaces the key by the person's language before a browser sees it: 't' then is the pattern itself, with {name} for each argument.
type Message struct {
	// The key; in the browser the pattern.
	Key string `json:"t"`
	// What is put in for {name}.
	Args map[string]Value `json:"args,omitempty"`
}

// Text: Words for a person: as they are, from data, or a message of the package.
// In Go one of: string, Ref, Message.
type Text = any

// Value: A plain value, or one from data.
// In Go one of: string, number, boolean, null, Ref.
type Value = any

// Format: How a value is written. 'age' counts from an RFC 3339 time to now, 'date' is exact; 'bytes' and 'cpu' read Kubernetes quantities too; 'duration' is in seconds.
type Format string

// The values of Format.
const (
	FormatText     Format = "text"
	FormatNumber   Format = "number"
	FormatPercent  Format = "percent"
	FormatBytes    Format = "bytes"
	FormatCPU      Format = "cpu"
	FormatDuration Format = "duration"
	FormatDate     Format = "date"
	FormatAge      Format = "age"
	FormatLabels   Format = "labels"
	FormatJSON     Format = "json"
)

// Tone: What a thing means; the console chooses shape and colour.
type Tone string

// The values of Tone.
const (
	ToneNeutral Tone = "neutral"
	ToneInfo    Tone = "info"
	ToneSuccess Tone = "success"
	ToneWarning Tone = "warning"
	ToneDanger  Tone = "danger"
)

// Size: Small, medium, large.
type Size string

// The values of Size.
const (
	SizeS Size = "s"
	SizeM Size = "m"
	SizeL Size = "l"
)

// Width: Width of a column; 'fill' takes what is left.
type Width string

// The values of Width.
const (
	WidthS    Width = "s"
	WidthM    Width = "m"
	WidthL    Width = "l"
	WidthFill Width = "fill"
)

// Icon: Name of a lucide icon.
type Icon string

// GVR: A kind as version/resource or group/version/resource: 'v1/pods', 'apps/v1/deployments'.
type GVR string

// Test: A predicate. Anything cleverer is computed by the guest.
type Test struct {
	// Both are the same.
	Eq []Value `json:"eq,omitempty"`
	// The first is one of the others.
	In []Value `json:"in,omitempty"`
	// There is something at the pointer that is not null, false, empty text or an empty list.
	Exists *Ref `json:"exists,omitempty"`
	// The first number is greater than the second.
	Gt []Value `json:"gt,omitempty"`
	// The other way round.
	Not *Test `json:"not,omitempty"`
	// Every one holds.
	All []Test `json:"all,omitempty"`
	// At least one holds.
	Any []Test `json:"any,omitempty"`
}

// Source: Where data comes from. Loading, empty, error and retry are the renderer's.
// One of ExtSource, K8sSource.
type Source interface{ isSource() }

// ExtSource: A GET of one of the extension's own routes. Its value is the JSON document; with live 'append' the list of the lines of an NDJSON stream.
type ExtSource struct {
	// The route, with {cluster}, {workspace}, {project}, and on tabs {namespace} and {name}, filled in from the context, each percent-encoded as one segment.
	Path string `json:"path"`
	// Query parameters. An empty text, null, false or empty list leaves the parameter out; a list gives one parameter for each item.
	Query map[string]Value `json:"query,omitempty"`
	// How it stays current; without it, it is asked once and when its query changes.
	Live Live `json:"live,omitempty"`
}

func (ExtSource) isSource() {}

// MarshalJSON writes the ExtSource with the properties that never vary.
func (v ExtSource) MarshalJSON() ([]byte, error) {
	type plain ExtSource
	return json.Marshal(struct {
		From string `json:"from"`
		plain
	}{"ext", plain(v)})
}

// K8sSource: Kubernetes objects, asked as the person through the extension: only kinds that the manifest declares. Its value is the list as Kubernetes gives it ('/name/items'), or the object when 'name' is given.
type K8sSource struct {
	// The kind.
	GVR GVR `json:"gvr"`
	// The namespace; the project of the page when left out.
	Namespace Value `json:"namespace,omitempty"`
	// One object.
	Name Value `json:"name,omitempty"`
	// A label selector.
	Selector string `json:"selector,omitempty"`
	// Poll or watch.
	Live Live `json:"live,omitempty"`
}

func (K8sSource) isSource() {}

// MarshalJSON writes the K8sSource with the properties that never vary.
func (v K8sSource) MarshalJSON() ([]byte, error) {
	type plain K8sSource
	return json.Marshal(struct {
		From string `json:"from"`
		plain
	}{"k8s", plain(v)})
}

// Live: How a source stays current. Paused while the page is hidden.
// One of Poll, Watch, Append.
type Live interface{ isLive() }

// Poll: Asked again and again.
type Poll struct {
	// The pause between two questions.
	Seconds int `json:"seconds"`
}

func (Poll) isLive() {}

// MarshalJSON writes the Poll with the properties that never vary.
func (v Poll) MarshalJSON() ([]byte, error) {
	type plain Poll
	return json.Marshal(struct {
		Mode string `json:"mode"`
		plain
	}{"poll", plain(v)})
}

// Watch: Only k8s: list and watch, kept as a list.
type Watch struct {
	// Relative pointer to what tells two objects apart, as 'metadata/uid'.
	Key string `json:"key"`
}

func (Watch) isLive() {}

// MarshalJSON writes the Watch with the properties that never vary.
func (v Watch) MarshalJSON() ([]byte, error) {
	type plain Watch
	return json.Marshal(struct {
		Mode string `json:"mode"`
		plain
	}{"watch", plain(v)})
}

// Append: Only ext: a stream of NDJSON lines, each appended.
type Append struct {
	// How many lines are kept; the oldest go.
	Cap int `json:"cap"`
}

func (Append) isLive() {}

// MarshalJSON writes the Append with the properties that never vary.
func (v Append) MarshalJSON() ([]byte, error) {
	type plain Append
	return json.Marshal(struct {
		Mode string `json:"mode"`
		plain
	}{"append", plain(v)})
}

// Require: Something the person must be allowed to: a permission item of this extension, or a verb on a Kubernetes kind.
type Require struct {
	// A permission item of the manifest.
	Permission string `json:"permission,omitempty"`
	// A Kubernetes verb.
	Verb string `json:"verb,omitempty"`
	// The kind for the verb.
	GVR GVR `json:"gvr,omitempty"`
	// A subresource of the kind, as 'log'.
	Subresource string `json:"subresource,omitempty"`
}

// Action: Something a person can start.
type Action struct {
	// Name within the fragment.
	ID string `json:"id"`
	// Verb and object.
	Label Text `json:"label"`
	// Icon before the label.
	Icon Icon `json:"icon,omitempty"`
	// What it means.
	Tone Tone `json:"tone,omitempty"`
	// What the person must be allowed to.
	Requires []Require `json:"requires,omitempty"`
	// Set by the host alone: shown disabled, and this says why.
	Denied *Denied `json:"denied,omitempty"`
	// What happens.
	Run Run `json:"run"`
}

// Denied: Why an action is disabled for this person. Written by the host.
type Denied struct {
	// The missing permission, in words.
	Missing string `json:"missing"`
}

// Run: What an action does.
// One of Navigate, Copy, Refresh.
type Run interface{ isRun() }

// Navigate: Go to a page of this extension.
type Navigate struct {
	// Where to.
	To Target `json:"to"`
}

func (Navigate) isRun() {}

// MarshalJSON writes the Navigate with the properties that never vary.
func (v Navigate) MarshalJSON() ([]byte, error) {
	type plain Navigate
	return json.Marshal(struct {
		Do string `json:"do"`
		plain
	}{"navigate", plain(v)})
}

// Copy: Put a value on the clipboard.
type Copy struct {
	// What is copied.
	Value Value `json:"value"`
}

func (Copy) isRun() {}

// MarshalJSON writes the Copy with the properties that never vary.
func (v Copy) MarshalJSON() ([]byte, error) {
	type plain Copy
	return json.Marshal(struct {
		Do string `json:"do"`
		plain
	}{"copy", plain(v)})
}

// Refresh: Ask data sources again.
type Refresh struct {
	// Names of data sources.
	Sources []string `json:"sources"`
}

func (Refresh) isRun() {}

// MarshalJSON writes the Refresh with the properties that never vary.
func (v Refresh) MarshalJSON() ([]byte, error) {
	type plain Refresh
	return json.Marshal(struct {
		Do string `json:"do"`
		plain
	}{"refresh", plain(v)})
}

// Target: Where a link leads: '/route?query' is a page of this extension in the same scope, '?query' this page, './more' below this page. {pointer} takes a value of the current row, {/context/name} any other; values are percent-encoded as one segment. 'https://...' only on a Link that says external.
type Target string

// Node: One element of the catalogue. A core that does not know it shows its fallback.
// One of Stack, Row, Grid, Section, Card, Tabs, TextNode, Markdown, ValueNode, Badge, Status, Link, ResourceLink, Facts, Code, Table, Log, Button, Filter, Alert, Empty.
type Node interface{ isNode() }

// Base: What every node may have.
type Base struct {
	// A name for tests and for the state of tabs.
	ID string `json:"id,omitempty"`
	// Shown only while this holds.
	When *Test `json:"when,omitempty"`
	// Shown instead by a core that does not know this node.
	Fallback Node `json:"fallback,omitempty"`
}

// Stack: Children below each other.
type Stack struct {
	Base
	// Space between children.
	Gap Size `json:"gap,omitempty"`
	// What is laid out.
	Children []Node `json:"children"`
}

func (Stack) isNode() {}

// MarshalJSON writes the Stack with the properties that never vary.
func (v Stack) MarshalJSON() ([]byte, error) {
	type plain Stack
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"Stack", plain(v)})
}

// Row: Children beside each other; wraps.
type Row struct {
	Base
	// Space between children.
	Gap Size `json:"gap,omitempty"`
	// What is laid out.
	Children []Node `json:"children"`
}

func (Row) isNode() {}

// MarshalJSON writes the Row with the properties that never vary.
func (v Row) MarshalJSON() ([]byte, error) {
	type plain Row
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"Row", plain(v)})
}

// Grid: Children in as many equal columns as fit.
type Grid struct {
	Base
	// Space between children.
	Gap Size `json:"gap,omitempty"`
	// What is laid out.
	Children []Node `json:"children"`
}

func (Grid) isNode() {}

// MarshalJSON writes the Grid with the properties that never vary.
func (v Grid) MarshalJSON() ([]byte, error) {
	type plain Grid
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"Grid", plain(v)})
}

// Section: A part of a page with a heading.
type Section struct {
	Base
	// The heading.
	Title Text `json:"title,omitempty"`
	// Buttons at its head.
	Actions []Action `json:"actions,omitempty"`
	// Its content.
	Children []Node `json:"children"`
}

func (Section) isNode() {}

// MarshalJSON writes the Section with the properties that never vary.
func (v Section) MarshalJSON() ([]byte, error) {
	type plain Section
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"Section", plain(v)})
}

// Card: A framed part of a page.
type Card struct {
	Base
	// The heading.
	Title Text `json:"title,omitempty"`
	// Buttons at its head.
	Actions []Action `json:"actions,omitempty"`
	// Its content.
	Children []Node `json:"children"`
}

func (Card) isNode() {}

// MarshalJSON writes the Card with the properties that never vary.
func (v Card) MarshalJSON() ([]byte, error) {
	type plain Card
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"Card", plain(v)})
}

// Tabs: One of several bodies; which one is part of the page's URL.
type Tabs struct {
	Base
	// The tabs, the first is open at first.
	Tabs []Tab `json:"tabs"`
}

func (Tabs) isNode() {}

// MarshalJSON writes the Tabs with the properties that never vary.
func (v Tabs) MarshalJSON() ([]byte, error) {
	type plain Tabs
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"Tabs", plain(v)})
}

// Tab: One tab of Tabs.
type Tab struct {
	// Its name in the URL.
	ID string `json:"id"`
	// Its label.
	Label Text `json:"label"`
	// Its content.
	Body Node `json:"body"`
}

// TextNode: Words.
type TextNode struct {
	Base
	// The words.
	Text Text `json:"text"`
	// What they are; 'body' when left out.
	Role TextRole `json:"role,omitempty"`
}

func (TextNode) isNode() {}

// MarshalJSON writes the TextNode with the properties that never vary.
func (v TextNode) MarshalJSON() ([]byte, error) {
	type plain TextNode
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"Text", plain(v)})
}

// TextRole: What a text is.
type TextRole string

// The values of TextRole.
const (
	TextRoleTitle   TextRole = "title"
	TextRoleBody    TextRole = "body"
	TextRoleCaption TextRole = "caption"
	TextRoleCode    TextRole = "code"
)

// Markdown: Words in CommonMark: headings, lists, emphasis, code, links under the rules of Link. No HTML, no images.
type Markdown struct {
	Base
	// The text.
	Text Text `json:"text"`
}

func (Markdown) isNode() {}

// MarshalJSON writes the Markdown with the properties that never vary.
func (v Markdown) MarshalJSON() ([]byte, error) {
	type plain Markdown
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"Markdown", plain(v)})
}

// ValueNode: A formatted value.
type ValueNode struct {
	Base
	// What is shown.
	Value Value `json:"value"`
	// How it is written.
	Format Format `json:"format,omitempty"`
}

func (ValueNode) isNode() {}

// MarshalJSON writes the ValueNode with the properties that never vary.
func (v ValueNode) MarshalJSON() ([]byte, error) {
	type plain ValueNode
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"Value", plain(v)})
}

// ToneBy: Tone by a value.
type ToneBy struct {
	// The value that decides.
	Of Ref `json:"of"`
	// Tone for each value; others are neutral.
	Map map[string]Tone `json:"map"`
}

// Badge: A short mark.
type Badge struct {
	Base
	// The word.
	Text Text `json:"text"`
	// What it means.
	Tone Tone `json:"tone,omitempty"`
	// What it means, by a value.
	ToneBy *ToneBy `json:"toneBy,omitempty"`
}

func (Badge) isNode() {}

// MarshalJSON writes the Badge with the properties that never vary.
func (v Badge) MarshalJSON() ([]byte, error) {
	type plain Badge
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"Badge", plain(v)})
}

// Status: A state: shape and word, never colour alone.
type Status struct {
	Base
	// The word.
	Text Text `json:"text"`
	// What it means.
	Tone Tone `json:"tone,omitempty"`
	// What it means, by a value.
	ToneBy *ToneBy `json:"toneBy,omitempty"`
}

func (Status) isNode() {}

// MarshalJSON writes the Status with the properties that never vary.
func (v Status) MarshalJSON() ([]byte, error) {
	type plain Status
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"Status", plain(v)})
}

// Link: A way to another page of this extension, or, marked as external, out of Atoll (shown with its host, opened in a new window, without referrer).
type Link struct {
	Base
	// Its words.
	Text Text `json:"text"`
	// Where it leads.
	To Target `json:"to"`
	// Leads out of Atoll: 'to' is an https address without placeholders.
	External bool `json:"external,omitempty"`
}

func (Link) isNode() {}

// MarshalJSON writes the Link with the properties that never vary.
func (v Link) MarshalJSON() ([]byte, error) {
	type plain Link
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"Link", plain(v)})
}

// ResourceLink: A way to a Kubernetes object's own page in the console.
type ResourceLink struct {
	Base
	// The kind.
	GVR GVR `json:"gvr"`
	// Its name.
	Name Value `json:"name"`
	// Its namespace; the project of the page when left out.
	Namespace Value `json:"namespace,omitempty"`
}

func (ResourceLink) isNode() {}

// MarshalJSON writes the ResourceLink with the properties that never vary.
func (v ResourceLink) MarshalJSON() ([]byte, error) {
	type plain ResourceLink
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"ResourceLink", plain(v)})
}

// Facts: Labelled values.
type Facts struct {
	Base
	// The facts.
	Items []Fact `json:"items"`
}

func (Facts) isNode() {}

// MarshalJSON writes the Facts with the properties that never vary.
func (v Facts) MarshalJSON() ([]byte, error) {
	type plain Facts
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"Facts", plain(v)})
}

// Fact: One labelled value.
type Fact struct {
	// What it is.
	Label Text `json:"label"`
	// The value.
	Value Node `json:"value"`
}

// Code: Text in a fixed width, with a copy button.
type Code struct {
	Base
	// The text.
	Text Text `json:"text"`
	// For its colours.
	Language Language `json:"language,omitempty"`
}

func (Code) isNode() {}

// MarshalJSON writes the Code with the properties that never vary.
func (v Code) MarshalJSON() ([]byte, error) {
	type plain Code
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"Code", plain(v)})
}

// Language: Language of a Code node.
type Language string

// The values of Language.
const (
	LanguageYAML Language = "yaml"
	LanguageJSON Language = "json"
	LanguageText Language = "text"
)

// Table: Rows of data, virtualised; sorting and filtering in the page.
type Table struct {
	Base
	// A list.
	Rows Ref `json:"rows"`
	// Relative pointer to what tells two rows apart.
	Key string `json:"key"`
	// The columns.
	Columns []Column `json:"columns"`
	// Actions on a row.
	RowActions []Action `json:"rowActions,omitempty"`
	// Shown when there is no row.
	Empty Node `json:"empty,omitempty"`
}

func (Table) isNode() {}

// MarshalJSON writes the Table with the properties that never vary.
func (v Table) MarshalJSON() ([]byte, error) {
	type plain Table
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"Table", plain(v)})
}

// Column: One column of a Table.
type Column struct {
	// Its name.
	ID string `json:"id"`
	// Its head.
	Header Text `json:"header"`
	// A cell; relative Refs read the row.
	Cell Node `json:"cell"`
	// How it sorts; without it, it does not.
	Sort Sort `json:"sort,omitempty"`
	// How it filters.
	Filter ColumnFilter `json:"filter,omitempty"`
	// Its width.
	Width Width `json:"width,omitempty"`
	// Hidden until the person shows it.
	Hidden bool `json:"hidden,omitempty"`
}

// Sort: How a column sorts.
type Sort string

// The values of Sort.
const (
	SortText   Sort = "text"
	SortNumber Sort = "number"
	SortDate   Sort = "date"
)

// ColumnFilter: How a column filters: by words, or by choosing among its values.
type ColumnFilter string

// The values of ColumnFilter.
const (
	ColumnFilterText ColumnFilter = "text"
	ColumnFilterSet  ColumnFilter = "set"
)

// Log: Lines of a log: {time, pod, container, line, severity?, kind?} where kind 'notice' is a remark of the extension about a pod. Searchable, wraps on wish, follows while it is at its end.
type Log struct {
	Base
	// The list of lines, as a rule a source with live 'append'.
	Lines Ref `json:"lines"`
	// Whether it follows at first; true when left out.
	Follow Value `json:"follow,omitempty"`
	// Whether times are shown; true when left out.
	Timestamps Value `json:"timestamps,omitempty"`
	// Text to highlight.
	Highlight Value `json:"highlight,omitempty"`
	// Whether 'highlight' is a regular expression.
	Regex Value `json:"regex,omitempty"`
	// Shown when there is no line.
	Empty Node `json:"empty,omitempty"`
}

func (Log) isNode() {}

// MarshalJSON writes the Log with the properties that never vary.
func (v Log) MarshalJSON() ([]byte, error) {
	type plain Log
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"Log", plain(v)})
}

// Button: A button.
type Button struct {
	Base
	// What it does.
	Action Action `json:"action"`
}

func (Button) isNode() {}

// MarshalJSON writes the Button with the properties that never vary.
func (v Button) MarshalJSON() ([]byte, error) {
	type plain Button
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"Button", plain(v)})
}

// Filter: Controls whose values are part of the page's URL; sources and nodes read them as /filter/<id>.
type Filter struct {
	Base
	// The controls, in a row that wraps.
	Controls []Control `json:"controls"`
}

func (Filter) isNode() {}

// MarshalJSON writes the Filter with the properties that never vary.
func (v Filter) MarshalJSON() ([]byte, error) {
	type plain Filter
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"Filter", plain(v)})
}

// Control: One control of a Filter.
type Control struct {
	// Its name in /filter/<id> and in the URL.
	ID string `json:"id"`
	// What it looks like.
	Kind ControlKind `json:"kind"`
	// Its label.
	Label Text `json:"label"`
	// For select, multi and duration: a list of options, or a Ref to a list of plain values or of {value, label}.
	Options any `json:"options,omitempty"`
	// Its value at first: a text, a boolean for toggle, a list for multi.
	Default any `json:"default,omitempty"`
	// Shown only while this holds.
	When *Test `json:"when,omitempty"`
}

// ControlKind: select: one of the options. multi: several of them, a list. text: words. toggle: true or false. duration: one of the options, each a duration such as 30m, or empty.
type ControlKind string

// The values of ControlKind.
const (
	ControlKindSelect   ControlKind = "select"
	ControlKindMulti    ControlKind = "multi"
	ControlKindText     ControlKind = "text"
	ControlKindToggle   ControlKind = "toggle"
	ControlKindDuration ControlKind = "duration"
)

// Option: One choice of a control.
type Option struct {
	// The value; an empty one stands for no choice.
	Value string `json:"value"`
	// What a person reads.
	Label Text `json:"label"`
}

// Alert: A message that matters.
type Alert struct {
	Base
	// What it means.
	Tone Tone `json:"tone"`
	// What is the case.
	Title Text `json:"title"`
	// More about it.
	Body Text `json:"body,omitempty"`
	// What can be done.
	Action *Action `json:"action,omitempty"`
}

func (Alert) isNode() {}

// MarshalJSON writes the Alert with the properties that never vary.
func (v Alert) MarshalJSON() ([]byte, error) {
	type plain Alert
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"Alert", plain(v)})
}

// Empty: Nothing here yet: what this is and what to do next.
type Empty struct {
	Base
	// What is missing.
	Title Text `json:"title"`
	// What to do next.
	Body Text `json:"body,omitempty"`
	// What can be done.
	Action *Action `json:"action,omitempty"`
}

func (Empty) isNode() {}

// MarshalJSON writes the Empty with the properties that never vary.
func (v Empty) MarshalJSON() ([]byte, error) {
	type plain Empty
	return json.Marshal(struct {
		Is string `json:"is"`
		plain
	}{"Empty", plain(v)})
}

// Code generated from schema.json by ./generate. DO NOT EDIT.

/** What a guest answers when the console asks for a piece of its user interface. */
export interface Fragment {
  /** The version of the catalogue. */
  ui: 'v1';
  /** Title of the page; a tab has its label from the contribution. */
  title?: Text;
  /** Data sources by name. A Ref begins with the name of one of them. 'filter' and 'context' are the host's and cannot be declared. */
  data?: Record<string, Source>;
  /** Buttons in the head of the page. */
  actions?: Action[];
  /** What is shown. */
  body: Node;
}

/** The file ui/contributions.yaml of a package: where in the console the extension appears. Read at install, without running code. */
export interface Contributions {
  /** All places. */
  contributions: Contribution[];
}

/** One place in the console. */
export interface Contribution {
  /** Which kind of place. */
  slot: Slot;
  /** Name of this contribution, unique in its slot within the extension. */
  id: string;
  /** The text of the menu entry or tab. */
  label?: Text;
  /** Name of an icon of the console. */
  icon?: Icon;
  /** Smaller comes first; only among contributions of extensions. */
  order?: number;
  /** Where it appears: pages name their scope, tabs name a kind. */
  match?: Match;
  /** Menu entries and pages: the path of the page below the extension's own place in the scope. */
  route?: string;
  /** Pages and tabs: path of the fragment that the guest answers. */
  fragment?: string;
  /** What the person must be allowed to; otherwise it is shown disabled, with what is missing. */
  requires?: Require[];
}

/** Where a contribution appears. */
export interface Match {
  /** For resource.tab: the kind of object. */
  gvr?: GVR;
  /** For page: the scope that the page lives in. */
  scope?: Scope;
}

/** A kind of place in the console. */
export type Slot = 'nav.platform' | 'nav.workspace' | 'nav.project' | 'page' | 'resource.tab';

/** The scope of a page. */
export type Scope = 'platform' | 'workspace' | 'project';

/** A reference to data: a JSON Pointer. '/pods/items' begins with the name of a data source, '/filter/text' reads the state of the page's Filter controls, '/context/project' the scope of the page (cluster, workspace, project, and on tabs gvr, namespace, name, uid). Without a leading slash it is relative to the current row of a Table. */
export interface Ref {
  /** The pointer. */
  $: string;
  /** Formatter for the value. */
  as?: Format;
  /** What is shown when there is nothing at the pointer. */
  else?: string;
}

/** A text of the package's texts/<language>.yaml by its key. The host replaces the key by the person's language before a browser sees it: 't' then is the pattern itself, with {name} for each argument. */
export interface Message {
  /** The key; in the browser the pattern. */
  t: string;
  /** What is put in for {name}. */
  args?: Record<string, Value>;
}

/** Words for a person: as they are, from data, or a message of the package. */
export type Text = string | Ref | Message;

/** A plain value, or one from data. */
export type Value = string | number | boolean | null | Ref;

/** How a value is written. 'age' counts from an RFC 3339 time to now, 'date' is exact; 'bytes' and 'cpu' read Kubernetes quantities too; 'duration' is in seconds. */
export type Format = 'text' | 'number' | 'percent' | 'bytes' | 'cpu' | 'duration' | 'date' | 'age' | 'labels' | 'json';

/** What a thing means; the console chooses shape and colour. */
export type Tone = 'neutral' | 'info' | 'success' | 'warning' | 'danger';

/** Small, medium, large. */
export type Size = 's' | 'm' | 'l';

/** Width of a column; 'fill' takes what is left. */
export type Width = 's' | 'm' | 'l' | 'fill';

/** Name of a lucide icon. */
export type Icon = string;

/** A kind as version/resource or group/version/resource: 'v1/pods', 'apps/v1/deployments'. */
export type GVR = string;

/** A predicate. Anything cleverer is computed by the guest. */
export interface Test {
  /** Both are the same. */
  eq?: Value[];
  /** The first is one of the others. */
  in?: Value[];
  /** There is something at the pointer that is not null, false, empty text or an empty list. */
  exists?: Ref;
  /** The first number is greater than the second. */
  gt?: Value[];
  /** The other way round. */
  not?: Test;
  /** Every one holds. */
  all?: Test[];
  /** At least one holds. */
  any?: Test[];
}

/** Where data comes from. Loading, empty, error and retry are the renderer's. */
export type Source =
  | ExtSource
  | K8sSource;

/** A GET of one of the extension's own routes. Its value is the JSON document; with live 'append' the list of the lines of an NDJSON stream. */
export interface ExtSource {
  /** Says that it is a route. */
  from: 'ext';
  /** The route, with {cluster}, {workspace}, {project}, and on tabs {namespace} and {name}, filled in from the context, each percent-encoded as one segment. */
  path: string;
  /** Query parameters. An empty text, null, false or empty list leaves the parameter out; a list gives one parameter for each item. */
  query?: Record<string, Value>;
  /** How it stays current; without it, it is asked once and when its query changes. */
  live?: Live;
}

/** Kubernetes objects, asked as the person through the extension: only kinds that the manifest declares. Its value is the list as Kubernetes gives it ('/name/items'), or the object when 'name' is given. */
export interface K8sSource {
  /** Says that it is Kubernetes. */
  from: 'k8s';
  /** The kind. */
  gvr: GVR;
  /** The namespace; the project of the page when left out. */
  namespace?: Value;
  /** One object. */
  name?: Value;
  /** A label selector. */
  selector?: string;
  /** Poll or watch. */
  live?: Live;
}

/** How a source stays current. Paused while the page is hidden. */
export type Live =
  | Poll
  | Watch
  | Append;

/** Asked again and again. */
export interface Poll {
  /** Says that it is polled. */
  mode: 'poll';
  /** The pause between two questions. */
  seconds: number;
}

/** Only k8s: list and watch, kept as a list. */
export interface Watch {
  /** Says that it is watched. */
  mode: 'watch';
  /** Relative pointer to what tells two objects apart, as 'metadata/uid'. */
  key: string;
}

/** Only ext: a stream of NDJSON lines, each appended. */
export interface Append {
  /** Says that it is appended. */
  mode: 'append';
  /** How many lines are kept; the oldest go. */
  cap: number;
}

/** Something the person must be allowed to: a permission item of this extension, or a verb on a Kubernetes kind. */
export interface Require {
  /** A permission item of the manifest. */
  permission?: string;
  /** A Kubernetes verb. */
  verb?: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';
  /** The kind for the verb. */
  gvr?: GVR;
  /** A subresource of the kind, as 'log'. */
  subresource?: string;
}

/** Something a person can start. */
export interface Action {
  /** Name within the fragment. */
  id: string;
  /** Verb and object. */
  label: Text;
  /** Icon before the label. */
  icon?: Icon;
  /** What it means. */
  tone?: Tone;
  /** What the person must be allowed to. */
  requires?: Require[];
  /** Set by the host alone: shown disabled, and this says why. */
  denied?: Denied;
  /** What happens. */
  run: Run;
}

/** Why an action is disabled for this person. Written by the host. */
export interface Denied {
  /** The missing permission, in words. */
  missing: string;
}

/** What an action does. */
export type Run =
  | Navigate
  | Copy
  | Refresh;

/** Go to a page of this extension. */
export interface Navigate {
  /** Says that it navigates. */
  do: 'navigate';
  /** Where to. */
  to: Target;
}

/** Put a value on the clipboard. */
export interface Copy {
  /** Says that it copies. */
  do: 'copy';
  /** What is copied. */
  value: Value;
}

/** Ask data sources again. */
export interface Refresh {
  /** Says that it refreshes. */
  do: 'refresh';
  /** Names of data sources. */
  sources: string[];
}

/** Where a link leads: '/route?query' is a page of this extension in the same scope, '?query' this page, './more' below this page. {pointer} takes a value of the current row, {/context/name} any other; values are percent-encoded as one segment. 'https://...' only on a Link that says external. */
export type Target = string;

/** One element of the catalogue. A core that does not know it shows its fallback. */
export type Node =
  | Stack
  | Row
  | Grid
  | Section
  | Card
  | Tabs
  | TextNode
  | Markdown
  | ValueNode
  | Badge
  | Status
  | Link
  | ResourceLink
  | Facts
  | Code
  | Table
  | Log
  | Button
  | Filter
  | Alert
  | Empty;

/** What every node may have. */
export interface Base {
  /** A name for tests and for the state of tabs. */
  id?: string;
  /** Shown only while this holds. */
  when?: Test;
  /** Shown instead by a core that does not know this node. */
  fallback?: Node;
}

/** Children below each other. */
export interface Stack extends Base {
  /** The node. */
  is: 'Stack';
  /** Space between children. */
  gap?: Size;
  /** What is laid out. */
  children: Node[];
}

/** Children beside each other; wraps. */
export interface Row extends Base {
  /** The node. */
  is: 'Row';
  /** Space between children. */
  gap?: Size;
  /** What is laid out. */
  children: Node[];
}

/** Children in as many equal columns as fit. */
export interface Grid extends Base {
  /** The node. */
  is: 'Grid';
  /** Space between children. */
  gap?: Size;
  /** What is laid out. */
  children: Node[];
}

/** A part of a page with a heading. */
export interface Section extends Base {
  /** The node. */
  is: 'Section';
  /** The heading. */
  title?: Text;
  /** Buttons at its head. */
  actions?: Action[];
  /** Its content. */
  children: Node[];
}

/** A framed part of a page. */
export interface Card extends Base {
  /** The node. */
  is: 'Card';
  /** The heading. */
  title?: Text;
  /** Buttons at its head. */
  actions?: Action[];
  /** Its content. */
  children: Node[];
}

/** One of several bodies; which one is part of the page's URL. */
export interface Tabs extends Base {
  /** The node. */
  is: 'Tabs';
  /** The tabs, the first is open at first. */
  tabs: Tab[];
}

/** One tab of Tabs. */
export interface Tab {
  /** Its name in the URL. */
  id: string;
  /** Its label. */
  label: Text;
  /** Its content. */
  body: Node;
}

/** Words. */
export interface TextNode extends Base {
  /** The node. */
  is: 'Text';
  /** The words. */
  text: Text;
  /** What they are; 'body' when left out. */
  role?: TextRole;
}

/** What a text is. */
export type TextRole = 'title' | 'body' | 'caption' | 'code';

/** Words in CommonMark: headings, lists, emphasis, code, links under the rules of Link. No HTML, no images. */
export interface Markdown extends Base {
  /** The node. */
  is: 'Markdown';
  /** The text. */
  text: Text;
}

/** A formatted value. */
export interface ValueNode extends Base {
  /** The node. */
  is: 'Value';
  /** What is shown. */
  value: Value;
  /** How it is written. */
  format?: Format;
}

/** Tone by a value. */
export interface ToneBy {
  /** The value that decides. */
  of: Ref;
  /** Tone for each value; others are neutral. */
  map: Record<string, Tone>;
}

/** A short mark. */
export interface Badge extends Base {
  /** The node. */
  is: 'Badge';
  /** The word. */
  text: Text;
  /** What it means. */
  tone?: Tone;
  /** What it means, by a value. */
  toneBy?: ToneBy;
}

/** A state: shape and word, never colour alone. */
export interface Status extends Base {
  /** The node. */
  is: 'Status';
  /** The word. */
  text: Text;
  /** What it means. */
  tone?: Tone;
  /** What it means, by a value. */
  toneBy?: ToneBy;
}

/** A way to another page of this extension, or, marked as external, out of Atoll (shown with its host, opened in a new window, without referrer). */
export interface Link extends Base {
  /** The node. */
  is: 'Link';
  /** Its words. */
  text: Text;
  /** Where it leads. */
  to: Target;
  /** Leads out of Atoll: 'to' is an https address without placeholders. */
  external?: boolean;
}

/** A way to a Kubernetes object's own page in the console. */
export interface ResourceLink extends Base {
  /** The node. */
  is: 'ResourceLink';
  /** The kind. */
  gvr: GVR;
  /** Its name. */
  name: Value;
  /** Its namespace; the project of the page when left out. */
  namespace?: Value;
}

/** Labelled values. */
export interface Facts extends Base {
  /** The node. */
  is: 'Facts';
  /** The facts. */
  items: Fact[];
}

/** One labelled value. */
export interface Fact {
  /** What it is. */
  label: Text;
  /** The value. */
  value: Node;
}

/** Text in a fixed width, with a copy button. */
export interface Code extends Base {
  /** The node. */
  is: 'Code';
  /** The text. */
  text: Text;
  /** For its colours. */
  language?: Language;
}

/** Language of a Code node. */
export type Language = 'yaml' | 'json' | 'text';

/** Rows of data, virtualised; sorting and filtering in the page. */
export interface Table extends Base {
  /** The node. */
  is: 'Table';
  /** A list. */
  rows: Ref;
  /** Relative pointer to what tells two rows apart. */
  key: string;
  /** The columns. */
  columns: Column[];
  /** Actions on a row. */
  rowActions?: Action[];
  /** Shown when there is no row. */
  empty?: Node;
}

/** One column of a Table. */
export interface Column {
  /** Its name. */
  id: string;
  /** Its head. */
  header: Text;
  /** A cell; relative Refs read the row. */
  cell: Node;
  /** How it sorts; without it, it does not. */
  sort?: Sort;
  /** How it filters. */
  filter?: ColumnFilter;
  /** Its width. */
  width?: Width;
  /** Hidden until the person shows it. */
  hidden?: boolean;
}

/** How a column sorts. */
export type Sort = 'text' | 'number' | 'date';

/** How a column filters: by words, or by choosing among its values. */
export type ColumnFilter = 'text' | 'set';

/** Lines of a log: {time, pod, container, line, severity?, kind?} where kind 'notice' is a remark of the extension about a pod. Searchable, wraps on wish, follows while it is at its end. */
export interface Log extends Base {
  /** The node. */
  is: 'Log';
  /** The list of lines, as a rule a source with live 'append'. */
  lines: Ref;
  /** Whether it follows at first; true when left out. */
  follow?: Value;
  /** Whether times are shown; true when left out. */
  timestamps?: Value;
  /** Text to highlight. */
  highlight?: Value;
  /** Whether 'highlight' is a regular expression. */
  regex?: Value;
  /** Shown when there is no line. */
  empty?: Node;
}

/** A button. */
export interface Button extends Base {
  /** The node. */
  is: 'Button';
  /** What it does. */
  action: Action;
}

/** Controls whose values are part of the page's URL; sources and nodes read them as /filter/<id>. */
export interface Filter extends Base {
  /** The node. */
  is: 'Filter';
  /** The controls, in a row that wraps. */
  controls: Control[];
}

/** One control of a Filter. */
export interface Control {
  /** Its name in /filter/<id> and in the URL. */
  id: string;
  /** What it looks like. */
  kind: ControlKind;
  /** Its label. */
  label: Text;
  /** For select, multi and duration: a list of options, or a Ref to a list of plain values or of {value, label}. */
  options?: Option[] | Ref;
  /** Its value at first: a text, a boolean for toggle, a list for multi. */
  default?: string | boolean | string[];
  /** Shown only while this holds. */
  when?: Test;
}

/** select: one of the options. multi: several of them, a list. text: words. toggle: true or false. duration: one of the options, each a duration such as 30m, or empty. */
export type ControlKind = 'select' | 'multi' | 'text' | 'toggle' | 'duration';

/** One choice of a control. */
export interface Option {
  /** The value; an empty one stands for no choice. */
  value: string;
  /** What a person reads. */
  label: Text;
}

/** A message that matters. */
export interface Alert extends Base {
  /** The node. */
  is: 'Alert';
  /** What it means. */
  tone: Tone;
  /** What is the case. */
  title: Text;
  /** More about it. */
  body?: Text;
  /** What can be done. */
  action?: Action;
}

/** Nothing here yet: what this is and what to do next. */
export interface Empty extends Base {
  /** The node. */
  is: 'Empty';
  /** What is missing. */
  title: Text;
  /** What to do next. */
  body?: Text;
  /** What can be done. */
  action?: Action;
}

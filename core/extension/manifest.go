// The manifest: the types of extension.yaml. They are the source of
// extension.schema.json; every field says what it is and shows an example.
package extension

import "github.com/atoll-platform/atoll/core/capability"

// APIVersion is the version of the manifest that this core reads.
const APIVersion = "atoll.dev/v1"

// Kind is the kind of the manifest.
const Kind = "Extension"

// Texts are words for a person by language; "en" is always there.
type Texts map[string]string

// In gives the words in a language, or in English.
func (t Texts) In(language string) string {
	if s, ok := t[language]; ok {
		return s
	}
	return t["en"]
}

// Manifest is extension.yaml.
type Manifest struct {
	APIVersion  string      `json:"apiVersion" enum:"atoll.dev/v1" doc:"Version of the manifest." example:"\"atoll.dev/v1\""`
	Kind        string      `json:"kind" enum:"Extension" doc:"Always Extension." example:"\"Extension\""`
	Name        string      `json:"name" pattern:"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$" doc:"Name of the extension: part of its URLs and permissions, for ever." example:"\"logging\""`
	Publisher   string      `json:"publisher" pattern:"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$" doc:"Who publishes it." example:"\"atoll\""`
	Version     string      `json:"version" pattern:"^(0|[1-9][0-9]{0,8})\\.(0|[1-9][0-9]{0,8})\\.(0|[1-9][0-9]{0,8})(-[0-9A-Za-z.-]{1,64})?$" doc:"Semantic version." example:"\"1.2.0\""`
	Title       Texts       `json:"title" maxLength:"80" doc:"What a person reads, by language; English is required." example:"{\"en\": \"Logging\", \"zh\": \"日志\"}"`
	Description Texts       `json:"description" maxLength:"1000" doc:"One or two sentences by language; English is required." example:"{\"en\": \"Search, follow and export container logs.\"}"`
	Icon        string      `json:"icon,omitempty" pattern:"^[a-z0-9][-a-z0-9_]{0,62}\\.svg$" doc:"File of the icon in the package." example:"\"icon.svg\""`
	Categories  []string    `json:"categories,omitempty" maxItems:"8" itemPattern:"^[a-z][-a-z]{0,31}$" doc:"Where it stands in a catalogue." example:"[\"observability\"]"`
	License     string      `json:"license,omitempty" pattern:"^[A-Za-z0-9.+ ()-]{1,64}$" doc:"SPDX expression." example:"\"Apache-2.0\""`
	Requires    *Requires   `json:"requires,omitempty" doc:"What must be there." example:"{\"atoll\": \">=0.1\"}"`
	Module      string      `json:"module" pattern:"^[a-z0-9][-a-z0-9_]{0,62}\\.wasm$" doc:"File of the WebAssembly module in the package." example:"\"logging.wasm\""`
	Isolation   string      `json:"isolation,omitempty" enum:"request,user,workspace,shared" doc:"Who may share an instance's memory. Left out: workspace." example:"\"workspace\""`
	Limits      *Limits     `json:"limits,omitempty" doc:"What it may use, all in all and for one request." example:"{\"memory\": \"64Mi\", \"deadline\": \"30s\"}"`
	Permissions Permissions `json:"permissions,omitempty" doc:"What it asks to reach. It starts with nothing." example:"{\"kubernetes\": [{\"groups\": [\"\"], \"resources\": [\"pods\"], \"verbs\": [\"get\"], \"reason\": {\"en\": \"Show pods\"}}]}"`
	Roles       []Role      `json:"roles,omitempty" maxItems:"32" doc:"Permission items that it adds to roles." example:"[{\"id\": \"logs.view\", \"scope\": \"project\", \"title\": {\"en\": \"View logs\"}, \"default\": [\"project-viewer\"]}]"`
	Routes      []Route     `json:"routes,omitempty" maxItems:"200" doc:"The API that it serves below /x/{name}." example:"[{\"path\": \"/clusters/{cluster}/projects/{project}/logs\", \"methods\": [\"GET\"], \"permission\": \"logs.view\", \"stream\": true}]"`
	UI          string      `json:"ui,omitempty" pattern:"^ui/[a-z0-9][-a-z0-9_]{0,62}\\.yaml$" doc:"File of the contributions to the console in the package." example:"\"ui/contributions.yaml\""`
}

// Requires is what must be there.
type Requires struct {
	Atoll string `json:"atoll,omitempty" pattern:"^>=[0-9]{1,9}(\\.[0-9]{1,9}){0,2}$" doc:"The oldest Atoll that it runs in." example:"\">=0.1\""`
}

// Limits is what an extension may use. An empty field is the sandbox's default.
// An administrator may cap each of them (sandbox.limits of atoll.yaml).
type Limits struct {
	Memory             string `json:"memory,omitempty" pattern:"^[1-9][0-9]{0,6}(Ki|Mi|Gi)$" doc:"Memory of one instance; 64Mi when left out. Growing past it ends the instance." example:"\"64Mi\""`
	MemoryTotal        string `json:"memoryTotal,omitempty" pattern:"^[1-9][0-9]{0,6}(Ki|Mi|Gi)$" doc:"Memory of all instances; 2Gi when left out. Over it no other instance starts, and those that carry nothing go." example:"\"2Gi\""`
	CPUPerPoll         string `json:"cpuPerPoll,omitempty" pattern:"^([0-9]{1,6}(ms|s))+$" doc:"Computing time of one poll; as cpuPerRequest when left out. More ends the instance." example:"\"500ms\""`
	CPUPerRequest      string `json:"cpuPerRequest,omitempty" pattern:"^([0-9]{1,6}(ms|s))+$" doc:"Computing time of one request, and as much again for each minute that it goes on; 2s when left out." example:"\"2s\""`
	CPUPerMinute       string `json:"cpuPerMinute,omitempty" pattern:"^([0-9]{1,6}(ms|s|m))+$" doc:"Computing time in a minute for one workspace, or for one user where users are kept apart; 30s when left out. Over it new requests are answered 429 until the minute has passed." example:"\"30s\""`
	Deadline           string `json:"deadline,omitempty" pattern:"^([0-9]{1,6}(ms|s|m))+$" doc:"Time from the start of a request to its end, for routes that do not stream; 30s when left out." example:"\"30s\""`
	Streams            int    `json:"streams,omitempty" min:"1" max:"20000" doc:"Streams open at once in one instance; 2000 when left out." example:"2000"`
	Instances          int    `json:"instances,omitempty" min:"1" max:"32" doc:"Instances that may share the work of one workspace, or of whoever shares an instance; 4 when left out. Another one starts when the least busy has too much to do, and goes when it is idle." example:"4"`
	RequestSize        string `json:"requestSize,omitempty" pattern:"^[1-9][0-9]{0,6}(Ki|Mi|Gi)$" doc:"Body of one request; 32Mi when left out. A larger one is answered 413." example:"\"32Mi\""`
	ResponseSize       string `json:"responseSize,omitempty" pattern:"^[1-9][0-9]{0,6}(Ki|Mi|Gi)$" doc:"Body of one answer, for routes that do not stream; 64Mi when left out." example:"\"64Mi\""`
	HostCallsPerSecond int    `json:"hostCallsPerSecond,omitempty" min:"1" max:"100000" doc:"Requests to Kubernetes, upstreams and other doors in a second for one workspace, or one user; 1000 when left out. What is over waits up to a second, and is then refused." example:"1000"`
	LogLinesPerMinute  int    `json:"logLinesPerMinute,omitempty" min:"1" max:"60000" doc:"Lines of the log of one instance; 3000 when left out. What is over is dropped and counted." example:"3000"`
}

// Permissions is what the extension asks to reach.
type Permissions struct {
	Kubernetes []KubernetesRule    `json:"kubernetes,omitempty" maxItems:"64" doc:"Kubernetes as the person who asks: never more than that person may." example:"[{\"groups\": [\"\"], \"resources\": [\"pods\", \"pods/log\"], \"verbs\": [\"get\", \"list\", \"watch\"], \"reason\": {\"en\": \"Follow container logs\"}}]"`
	Upstreams  map[string]Upstream `json:"upstreams,omitempty" maxProperties:"16" keyPattern:"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$" doc:"Back ends by name. An administrator binds the name to an address and a credential, which the extension never sees; until then the door answers unavailable." example:"{\"store\": {\"protocol\": \"http\", \"requests\": [\"POST /items-{workspace}-*/_search\"], \"reason\": {\"en\": \"Search stored items\"}}}"`
}

// Upstream is a back end that the extension asks, under a name of its own.
type Upstream struct {
	Protocol string   `json:"protocol" enum:"http" doc:"What is spoken with it." example:"\"http\""`
	Requests []string `json:"requests" minItems:"1" maxItems:"64" itemPattern:"^(GET|HEAD|POST|PUT|PATCH|DELETE) /[^ ]+$" doc:"What it will ask: METHOD /path{?query,parameters}. The host fills {workspace}, {project} and {user} with uids and {cluster} with the name, all of the request that is being answered; * is anything within one segment that is made of letters, digits and -._~*." example:"[\"POST /items-{workspace}-*/_search{?timeout}\"]"`
	Safe     []string `json:"safe,omitempty" maxItems:"64" doc:"Those of requests, word for word, that change nothing there and may be made again: when an instance ends by another request's fault, what has only made such requests is run again. GET and HEAD always are." example:"[\"POST /items-{workspace}-*/_search{?timeout}\"]"`
	Reason   Texts    `json:"reason" maxLength:"200" doc:"Why, in words for the person who reviews; English is required." example:"{\"en\": \"Search stored items\"}"`
}

// KubernetesRule is one rule of Kubernetes access, with the reason that a person
// reads in the review.
type KubernetesRule struct {
	capability.Rule
	Reason Texts `json:"reason" maxLength:"200" doc:"Why, in words for the person who reviews; English is required." example:"{\"en\": \"Follow container logs\"}"`
}

// Role is a permission item that the extension adds.
type Role struct {
	ID      string   `json:"id" pattern:"^[a-z]([-a-z0-9.]{0,61}[a-z0-9])?$" doc:"Name of the item; the permission is {extension}/{id}." example:"\"logs.view\""`
	Scope   string   `json:"scope" enum:"platform,workspace,project" doc:"Where it is granted." example:"\"project\""`
	Title   Texts    `json:"title" maxLength:"80" doc:"What a person reads; English is required." example:"{\"en\": \"View logs\"}"`
	Default []string `json:"default,omitempty" maxItems:"9" itemEnum:"platform-admin,platform-operator,platform-member,workspace-admin,workspace-member,workspace-viewer,project-admin,project-developer,project-viewer" doc:"Roles that have it from the start, and the stronger roles of the same scope with them. Each is a line of the consent." example:"[\"project-viewer\"]"`
}

// Route is one path of the extension's API.
type Route struct {
	Path       string   `json:"path" pattern:"^(/([A-Za-z0-9._~:-]{1,64}|\\{[a-z][A-Za-z0-9]{0,31}\\})){1,12}$" doc:"Path below /x/{name}; {parameters} are one segment. The scope stands first: /clusters/{cluster}/projects/{project}/..., /clusters/{cluster}/..., /workspaces/{workspace}/..., or none for the platform." example:"\"/clusters/{cluster}/projects/{project}/logs\""`
	Methods    []string `json:"methods" minItems:"1" maxItems:"5" itemEnum:"GET,POST,PUT,PATCH,DELETE" doc:"HTTP methods; HEAD goes with GET." example:"[\"GET\"]"`
	Permission string   `json:"permission,omitempty" pattern:"^[a-z]([-a-z0-9.]{0,61}[a-z0-9])?$" doc:"The item of roles that is needed, in the scope of the path. Left out: seeing the scope is enough." example:"\"logs.view\""`
	Stream     bool     `json:"stream,omitempty" doc:"The answer goes on for as long as the client listens: no deadline, every piece is sent on at once." example:"true"`
	WebSocket  bool     `json:"websocket,omitempty" doc:"The route is a WebSocket: both sides speak for as long as they like. Its method is GET." example:"true"`
}

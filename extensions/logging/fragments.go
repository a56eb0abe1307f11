// The pages, as fragments: one for a project, one for the tab of an object.
package main

import (
	"net/http"

	f "github.com/atoll-platform/atoll/sdk/fragment"
)

const (
	podsRoute   = "/clusters/{cluster}/projects/{project}/pods"
	logsRoute   = "/clusters/{cluster}/projects/{project}/logs"
	searchRoute = "/clusters/{cluster}/projects/{project}/search"
	// keptLines is how many lines a page keeps.
	keptLines = 20000
)

func text(key string) f.Text { return f.Message{Key: key} }

func ref(pointer string) f.Ref { return f.Ref{Pointer: pointer} }

func serveLogsPage(w http.ResponseWriter, r *http.Request) { answer(w, logsPage()) }

func serveObjectTab(w http.ResponseWriter, r *http.Request) {
	answer(w, objectTab(r.URL.Query().Get("gvr")))
}

// logsPage is the page of a project: lines of all its pods or of chosen ones,
// those that are stored, and the pods themselves.
func logsPage() f.Fragment {
	return f.Fragment{
		Title: text("nav.logs"),
		Data: map[string]f.Source{
			"pods":  f.ExtSource{Path: podsRoute, Live: f.Poll{Seconds: 10}},
			"lines": linesSource(map[string]f.Value{"pod": ref("/filter/pod")}),
			"stored": f.ExtSource{Path: searchRoute, Query: map[string]f.Value{
				"q": ref("/filter/words"), "since": ref("/filter/window"), "pod": ref("/filter/storedPod"), "container": ref("/filter/storedContainer"),
				"level": ref("/filter/level"), "order": ref("/filter/order"), "size": ref("/filter/size"), "histogram": false,
			}},
		},
		Body: f.Tabs{Tabs: []f.Tab{
			{ID: "lines", Label: text("lines"), Body: linesBody(true)},
			{ID: "stored", Label: text("stored"), Body: storedBody()},
			{ID: "pods", Label: text("pods"), Body: podsTable()},
		}},
	}
}

// objectTab is the tab of a pod, or of a workload with its pods.
func objectTab(gvr string) f.Fragment {
	object := map[string]f.Value{"gvr": ref("/context/gvr"), "name": ref("/context/name")}
	one := gvr == "v1/pods"
	chosen := map[string]f.Value{"gvr": ref("/context/gvr"), "name": ref("/context/name")}
	if !one {
		chosen["pod"] = ref("/filter/pod")
	}
	return f.Fragment{
		Data: map[string]f.Source{
			"pods":  f.ExtSource{Path: podsRoute, Query: object, Live: f.Poll{Seconds: 10}},
			"lines": linesSource(chosen),
		},
		Body: linesBody(!one),
	}
}

// linesSource is the stream of lines under the page's filter.
func linesSource(query map[string]f.Value) f.Source {
	for _, id := range []string{"container", "text", "regex", "case", "since", "previous"} {
		query[id] = ref("/filter/" + id)
	}
	query["follow"] = true
	return f.ExtSource{Path: logsRoute, Query: query, Live: f.Append{Cap: keptLines}}
}

func linesBody(many bool) f.Node {
	var controls []f.Control
	if many {
		controls = append(controls, f.Control{ID: "pod", Kind: f.ControlKindMulti, Label: text("filter.pod"), Options: ref("/pods/names")})
	}
	var since []f.Option
	for _, d := range []string{"1m", "5m", "30m", "3h", "24h"} {
		since = append(since, f.Option{Value: d, Label: text("since." + d)})
	}
	since = append(since, f.Option{Value: "", Label: text("since.all")})
	typed := &f.Test{Exists: &f.Ref{Pointer: "/filter/text"}}
	controls = append(controls,
		f.Control{ID: "container", Kind: f.ControlKindMulti, Label: text("filter.container"), Options: ref("/pods/containers")},
		f.Control{ID: "since", Kind: f.ControlKindDuration, Label: text("filter.since"), Options: since, Default: "30m"},
		f.Control{ID: "text", Kind: f.ControlKindText, Label: text("filter.text")},
		f.Control{ID: "regex", Kind: f.ControlKindToggle, Label: text("filter.regex"), When: typed},
		f.Control{ID: "case", Kind: f.ControlKindToggle, Label: text("filter.case"), When: typed},
		f.Control{ID: "previous", Kind: f.ControlKindToggle, Label: text("filter.previous")},
		f.Control{ID: "timestamps", Kind: f.ControlKindToggle, Label: text("filter.timestamps"), Default: true},
	)
	return f.Stack{Gap: f.SizeS, Children: []f.Node{
		f.Filter{Controls: controls},
		f.Log{
			Lines: ref("/lines"), Timestamps: ref("/filter/timestamps"), Highlight: ref("/filter/text"), Regex: ref("/filter/regex"),
			Empty: f.Empty{Title: text("empty.lines"), Body: text("empty.lines.body")},
		},
	}}
}

// storedBody is the search of stored lines. The choices are of the pods that are
// there now; others are found by words.
func storedBody() f.Node {
	options := func(prefix string, values ...string) (all []f.Option) {
		for _, v := range values {
			all = append(all, f.Option{Value: v, Label: text(prefix + v)})
		}
		return all
	}
	return f.Stack{Gap: f.SizeS, Children: []f.Node{
		f.Filter{Controls: []f.Control{
			{ID: "words", Kind: f.ControlKindText, Label: text("filter.words")},
			{ID: "window", Kind: f.ControlKindDuration, Label: text("filter.since"), Options: options("since.", "5m", "30m", "3h", "24h", "168h", "720h"), Default: "24h"},
			{ID: "storedPod", Kind: f.ControlKindMulti, Label: text("filter.pod"), Options: ref("/pods/names")},
			{ID: "storedContainer", Kind: f.ControlKindMulti, Label: text("filter.container"), Options: ref("/pods/containers")},
			{ID: "level", Kind: f.ControlKindMulti, Label: text("filter.level"), Options: options("level.", levels...)},
			{ID: "order", Kind: f.ControlKindSelect, Label: text("filter.order"), Options: options("order.", "desc", "asc"), Default: "desc"},
			{ID: "size", Kind: f.ControlKindSelect, Label: text("filter.size"), Options: options("size.", "100", "500"), Default: "100"},
		}},
		f.TextNode{Base: f.Base{When: &f.Test{Exists: &f.Ref{Pointer: "/stored/total"}}}, Role: f.TextRoleCaption,
			Text: f.Message{Key: "stored.total", Args: map[string]f.Value{"n": f.Ref{Pointer: "/stored/total", As: f.FormatNumber}}}},
		f.Alert{Base: f.Base{When: &f.Test{Eq: []f.Value{ref("/stored/partial"), true}}}, Tone: f.ToneWarning, Title: text("stored.partial")},
		f.Log{
			Lines: ref("/stored/lines"), Follow: false, Highlight: ref("/filter/words"),
			Empty: f.Empty{Title: text("empty.lines"), Body: text("empty.stored.body")},
		},
	}}
}

// tones of the states of pods; others are neutral.
var tones = map[string]f.Tone{
	"Running": f.ToneSuccess, "Succeeded": f.ToneSuccess, "Completed": f.ToneSuccess,
	"Pending": f.ToneInfo, "ContainerCreating": f.ToneInfo, "Terminating": f.ToneWarning,
	"CrashLoopBackOff": f.ToneDanger, "Error": f.ToneDanger, "Failed": f.ToneDanger, "OOMKilled": f.ToneDanger,
	"ImagePullBackOff": f.ToneDanger, "ErrImagePull": f.ToneDanger, "CreateContainerConfigError": f.ToneDanger, "Evicted": f.ToneDanger,
}

func podsTable() f.Node {
	return f.Table{
		Rows: ref("/pods/items"), Key: "uid",
		Columns: []f.Column{
			{ID: "name", Header: text("pod.name"), Sort: f.SortText, Filter: f.ColumnFilterText, Width: f.WidthFill,
				Cell: f.ResourceLink{GVR: "v1/pods", Name: ref("name")}},
			{ID: "state", Header: text("pod.state"), Sort: f.SortText, Filter: f.ColumnFilterSet, Width: f.WidthM,
				Cell: f.Status{Text: ref("state"), ToneBy: &f.ToneBy{Of: ref("state"), Map: tones}}},
			{ID: "ready", Header: text("pod.ready"), Width: f.WidthS, Cell: f.TextNode{Text: ref("ready")}},
			{ID: "restarts", Header: text("pod.restarts"), Sort: f.SortNumber, Width: f.WidthS,
				Cell: f.ValueNode{Value: ref("restarts"), Format: f.FormatNumber}},
			{ID: "logs", Header: text("pod.logs"), Width: f.WidthM, Cell: f.Link{Text: text("pod.show"), To: "/logs?pod={name}"}},
			{ID: "age", Header: text("pod.age"), Sort: f.SortDate, Width: f.WidthS,
				Cell: f.ValueNode{Value: ref("createdAt"), Format: f.FormatAge}},
		},
		Empty: f.Empty{Title: text("empty.pods"), Body: text("empty.pods.body")},
	}
}

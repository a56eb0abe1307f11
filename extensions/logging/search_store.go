// The store's side of a search: an Elasticsearch, asked through the platform,
// which knows where it is and keeps workspaces apart in it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/olivere/elastic/v7"
)

const (
	// storeURL is the manifest's upstream; the platform knows what it stands for.
	storeURL = "http://store.upstream"
	// storeTime is how long the store may look before it answers what it has.
	storeTime = "20s"
	// maxAnswer bounds the answer of the store in bytes, so that decoding it is far
	// from what the manifest allows one poll to compute.
	maxAnswer = 2 << 20
)

// document is a stored line; README.md says what each field is.
type document struct {
	Time      string `json:"@timestamp"`
	Cluster   string `json:"cluster"`
	Namespace string `json:"namespace"`
	Pod       string `json:"pod"`
	Container string `json:"container"`
	Node      string `json:"node"`
	Stream    string `json:"stream"`
	Level     string `json:"level"`
	Message   string `json:"message"`
}

// doer asks the archive's door for one search.
type doer struct {
	*archive
	decodes bool // it has the archive's turn
}

// Do implements elastic.Doer. It gives the answer when it is there to its end, and
// it is this search's turn to decode it.
func (d *doer) Do(r *http.Request) (*http.Response, error) {
	resp, err := d.door.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	if len(body) > maxAnswer {
		return nil, elastic.ErrResponseSize
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	select {
	case d.turn <- struct{}{}:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	d.decodes = true
	time.Sleep(turnPause)
	return resp, nil
}

// done lets the next search decode.
func (d *doer) done() {
	if d.decodes {
		d.decodes = false
		<-d.turn
	}
}

// client asks nothing by itself. It is for one search: a client notes after a
// failure that its one node is dead, and whether the store is there is the
// platform's to know.
func (d *doer) client() (*elastic.Client, error) {
	return elastic.NewSimpleClient(elastic.SetHttpClient(d), elastic.SetURL(storeURL), elastic.SetDecoder(&elastic.NumberDecoder{}))
}

func (d *doer) search(ctx context.Context, workspaceUID string, scope elastic.Query, s search) (*found, error) {
	client, err := d.client()
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	first := s.after == nil
	ask := client.Search("atoll-logs-"+workspaceUID+"-*").Query(s.query(scope)).
		FetchSourceContext(elastic.NewFetchSourceContext(true).Include("@timestamp", "cluster", "namespace", "pod", "container", "node", "stream", "level", "message")).
		SortBy(elastic.NewFieldSort("@timestamp").Order(s.ascending).UnmappedType("date_nanos"), elastic.NewFieldSort("id").Order(s.ascending).UnmappedType("keyword")).
		Size(s.size).TrackTotalHits(first).Timeout(storeTime)
	if first {
		if s.histogram {
			ask = ask.Aggregation("times", s.aggregation())
		}
	} else {
		ask = ask.SearchAfter(s.after...)
	}
	result, err := ask.Do(ctx)
	if err != nil {
		return nil, fmt.Errorf("searching: %w", err)
	}
	f := &found{Lines: []storedLine{}, Partial: result.TimedOut || result.Shards != nil && result.Shards.Failed > 0}
	if result.Hits == nil {
		return f, nil
	}
	for _, hit := range result.Hits.Hits {
		var d document
		if err := json.Unmarshal(hit.Source, &d); err != nil {
			return nil, fmt.Errorf("reading a stored line: %w", err)
		}
		f.Lines = append(f.Lines, d.line())
	}
	if n := len(result.Hits.Hits); n == s.size {
		f.After = token(result.Hits.Hits[n-1].Sort)
	}
	if first {
		total := result.TotalHits()
		f.Total = &total
		if s.histogram {
			f.Histogram = s.histogramOf(result)
		}
	}
	return f, nil
}

// query is what a line must be like. Words are all wanted; "..." keeps words
// together, | is or, - is not, * ends what is unfinished; nothing is a mistake.
func (s *search) query(scope elastic.Query) elastic.Query {
	q := elastic.NewBoolQuery().Filter(scope,
		elastic.NewRangeQuery("@timestamp").Gte(s.from.UTC().Format(time.RFC3339Nano)).Lt(s.to.UTC().Format(time.RFC3339Nano)))
	if s.words != "" {
		q.Must(elastic.NewSimpleQueryStringQuery(s.words).Field("message").DefaultOperator("and").
			Flags("AND|OR|NOT|PHRASE|PREFIX|PRECEDENCE|WHITESPACE|ESCAPE"))
	}
	for field, names := range map[string][]string{"pod": s.pods, "container": s.containers, "level": s.levels} {
		if len(names) > 0 {
			q.Filter(elastic.NewTermsQueryFromStrings(field, names...))
		}
	}
	return q
}

func (s *search) aggregation() elastic.Aggregation {
	return elastic.NewDateHistogramAggregation().Field("@timestamp").FixedInterval(storeInterval(s.interval())).MinDocCount(0).
		ExtendedBounds(s.from.UnixMilli(), s.to.UnixMilli()-1)
}

// storeInterval writes a duration as the store reads it: one unit.
func storeInterval(d time.Duration) string { return fmt.Sprintf("%ds", d/time.Second) }

func (s *search) histogramOf(result *elastic.SearchResult) *histogram {
	h := &histogram{Interval: storeInterval(s.interval()), Buckets: []bucket{}}
	times, ok := result.Aggregations.DateHistogram("times")
	if !ok {
		return h // no index, nothing counted
	}
	for _, b := range times.Buckets {
		h.Buckets = append(h.Buckets, bucket{time.UnixMilli(int64(b.Key)).UTC().Format(time.RFC3339), b.DocCount})
	}
	return h
}

// line is the document as a client gets it.
func (d *document) line() storedLine {
	l := storedLine{
		line:    line{Time: d.Time, Pod: d.Pod, Container: d.Container, Line: d.Message, Severity: d.Level},
		Cluster: d.Cluster, Project: d.Namespace, Node: d.Node, Stream: d.Stream,
	}
	if len(l.Line) > maxLine {
		l.Line = strings.ToValidUTF8(l.Line[:maxLine], "")
	}
	if l.Severity == "" {
		l.Severity = severity(l.Line)
	}
	return l
}

// One cluster: its connection, and the loop that watches its files and its
// health.

package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"
)

// Cluster is one Kubernetes cluster. Safe for concurrent use.
type Cluster struct {
	config  Config
	options Options
	notify  func()
	kick    chan struct{} // asks for a probe now

	conn       atomic.Pointer[connection]
	generation atomic.Uint64
	silent     atomic.Bool // nothing was heard of it for longer than options.Patience

	mu     sync.Mutex
	status ClusterStatus
}

func newCluster(config Config, o Options, notify func()) *Cluster {
	if config.Title == "" {
		config.Title = config.Name
	}
	return &Cluster{
		config: config, options: o, notify: notify, kick: make(chan struct{}, 1),
		status: ClusterStatus{Name: config.Name, Title: config.Title, Phase: PhasePending, Parts: []Part{}, Since: time.Now().UTC()},
	}
}

// Name is the cluster's place in paths.
func (c *Cluster) Name() string { return c.config.Name }

// Status tells how the cluster does.
func (c *Cluster) Status() ClusterStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

// Ready tells whether the cluster's API answered when it was last asked.
func (c *Cluster) Ready() bool { return c.Status().Phase == PhaseReady }

// REST is the configuration of a client that speaks as the platform itself, for
// reconcilers. It fails with ErrNotConnected while there is no kubeconfig, and
// is out of date when Generation has changed.
func (c *Cluster) REST() (*rest.Config, error) {
	conn := c.conn.Load()
	if conn == nil {
		return nil, fmt.Errorf("cluster %q: %w", c.config.Name, ErrNotConnected)
	}
	return rest.CopyConfig(conn.config), nil
}

// Generation counts the connections that this cluster had: another number
// means another kubeconfig, perhaps another cluster behind the same name.
func (c *Cluster) Generation() uint64 { return c.generation.Load() }

// suspect asks for a probe now: a request has just failed.
func (c *Cluster) suspect() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// look is the cluster's own loop. It polls the times of two files, which costs
// two system calls each half second and works on every file system.
func (c *Cluster) look(ctx context.Context) {
	defer func() {
		if conn := c.conn.Load(); conn != nil {
			conn.close()
		}
	}()
	var (
		statusMark             fileMark
		files                  []string   // that make the connection: the kubeconfig and what it names
		marks                  []fileMark // of them
		building               statusFile
		fault                  error // why there is no connection, or why the API did not answer
		version                string
		node                   NodeKind
		answered, everAnswered bool
		failures               int
		next                   time.Time // of the next probe
		silence                time.Time // when it was first asked in vain; zero while it gives a sign of life
	)
	tick := time.NewTicker(c.options.Poll)
	defer tick.Stop()
	for {
		if mark := markOf(c.config.StatusFile); mark != statusMark {
			statusMark = mark
			building = statusFile{}
			if mark.exists {
				read, err := readStatusFile(c.config.StatusFile)
				if err != nil {
					c.options.Logger.Warn("the cluster's status cannot be read", "cluster", c.config.Name, "error", err)
					statusMark = fileMark{} // perhaps it is being written: look again
				}
				building = read
			}
		}
		if now := marksOf(files); files == nil || !slices.Equal(now, marks) {
			answered, everAnswered, failures, version, node, fault = false, false, 0, "", "", nil
			next, silence = time.Time{}, time.Time{}
			c.silent.Store(false)
			var conn *connection
			files = []string{c.config.Kubeconfig}
			if marks = marksOf(files); marks[0].exists {
				var named []string
				if conn, named, fault = connect(c.config.Kubeconfig); fault != nil {
					c.options.Logger.Warn("the cluster's kubeconfig cannot be used", "cluster", c.config.Name, "error", fault)
				}
				// A certificate that is renewed in its place makes another connection.
				files = append(files, named...)
				marks = append(marks, marksOf(named)...)
			}
			if old := c.conn.Swap(conn); old != nil {
				old.close()
			}
			c.generation.Add(1)
		}
		if conn := c.conn.Load(); conn != nil && !time.Now().Before(next) {
			begun := time.Now()
			err := c.probe(ctx, conn)
			switch {
			case ctx.Err() != nil:
				return
			case err == nil:
				answered, everAnswered, failures, fault = true, true, 0, nil
				next, silence = time.Now().Add(c.options.Probe), time.Time{}
				c.silent.Store(false)
				if version == "" {
					version = conn.version(ctx, c.options.ProbeTimeout)
				}
				if building.Node == "" && node == "" {
					node = conn.nodeKind(ctx, c.options.ProbeTimeout)
				}
			default:
				failures++
				fault = err
				if failures == 1 {
					c.options.Logger.Warn("the API server does not answer as it should", "cluster", c.config.Name, "error", detail(err))
				}
				hears := c.hears(ctx, conn, err)
				// One slow answer is not an outage; a refused connection is, and
				// so is a server that does not even greet.
				if failures > 1 || refused(err) || !hears {
					answered = false
				}
				switch {
				case hears:
					silence = time.Time{}
					c.silent.Store(false)
				case silence.IsZero():
					silence = begun
				case time.Since(silence) >= c.options.Patience:
					fault = fmt.Errorf("the API server has given no sign of life since %s", silence.UTC().Format(time.RFC3339))
					if !c.silent.Swap(true) {
						c.notify() // also where a status file speaks for the cluster
					}
				}
				next = time.Now()
			}
		}
		c.tell(statusOf(c.config, building, statusMark.exists, c.conn.Load() != nil, answered, everAnswered, fault, version, node))
		select {
		case <-ctx.Done():
			return
		case <-c.kick:
			next = time.Time{}
			// Several requests fail at once when a server goes: not faster
			// than the poll.
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		case <-tick.C:
		}
	}
}

// statusOf decides the phase from what is known; Since is set by tell.
func statusOf(config Config, building statusFile, told, connected, answered, everAnswered bool, fault error, version string, node NodeKind) ClusterStatus {
	s := ClusterStatus{Name: config.Name, Title: config.Title, Parts: building.Parts, Reason: building.Reason, Node: building.Node, Version: version}
	if s.Parts == nil {
		s.Parts = []Part{}
	}
	if s.Node == "" {
		s.Node = node
	}
	switch {
	case answered:
		s.Phase = PhaseReady
		if building.Phase != "Ready" {
			s.Message = building.Message // parts that are still coming
		}
	case building.Phase == "Failed":
		s.Phase, s.Message = PhaseFailed, building.Message
	case told && building.Phase == "Building":
		s.Phase, s.Message = PhaseBuilding, building.Message
	case told && building.Phase == "Starting":
		s.Phase, s.Message = PhaseStarting, building.Message
	case told && building.Phase == "Stopped":
		s.Phase, s.Message = PhasePending, "the cluster is stopped"
	case connected && everAnswered:
		s.Phase, s.Message = PhaseUnreachable, reason(fault)
	case connected && told:
		// The file says that it runs, and its API has never answered yet.
		s.Phase, s.Message = PhaseStarting, reason(fault)
	case connected, fault != nil:
		s.Phase, s.Message = PhaseUnreachable, reason(fault)
	default:
		s.Phase, s.Message = PhasePending, "waiting for the cluster's kubeconfig"
	}
	return s
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// tell publishes a status if it says something new.
func (c *Cluster) tell(s ClusterStatus) {
	c.mu.Lock()
	old := c.status
	s.Since = old.Since
	if s.Phase != old.Phase {
		s.Since = time.Now().UTC()
	}
	same := reflect.DeepEqual(s, old)
	c.status = s
	c.mu.Unlock()
	if same {
		return
	}
	if s.Phase != old.Phase {
		c.options.Logger.Info("cluster", "cluster", s.Name, "phase", s.Phase, "was", old.Phase, "message", s.Message)
	}
	c.notify()
}

// probe asks whether the API server serves.
func (c *Cluster) probe(ctx context.Context, conn *connection) error {
	text, status, err := conn.ask(ctx, c.options.ProbeTimeout, "/readyz")
	if err != nil {
		return err
	}
	if status == http.StatusUnauthorized {
		return errors.New("the API server " + conn.unauthorized())
	}
	if status != http.StatusOK {
		return fmt.Errorf("the API server is not ready (%d): %s", status, firstLine(string(text)))
	}
	return nil
}

// hears tells whether an API server gave a sign of life, after it was asked and
// err came of it: a slow one still greets whoever connects, one that hangs or is
// cut off does not.
func (c *Cluster) hears(ctx context.Context, conn *connection, err error) bool {
	if !unheard(err) {
		return true
	}
	if conn.express == nil {
		return false // somebody between would greet in its place
	}
	ctx, cancel := context.WithTimeout(ctx, c.options.ProbeTimeout)
	defer cancel()
	greeted, err := conn.express.dial(ctx)
	if err != nil {
		return !unheard(err)
	}
	greeted.Close()
	return true
}

const maxAsked = 4 << 20

// ask does a small GET as the platform itself.
func (c *connection) ask(ctx context.Context, timeout time.Duration, path string) ([]byte, int, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	name, query, _ := strings.Cut(path, "?")
	req := (&http.Request{
		Method: http.MethodGet, URL: c.url(&target{path: name, query: query}), Host: c.host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Accept": {"application/json"}, "User-Agent": {"atoll"}},
	}).WithContext(ctx)
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, 0, &noAnswer{err}
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusSwitchingProtocols {
		return nil, 0, errors.New("the API server changed protocols without being asked") // its body would never end
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAsked))
	if err != nil {
		return nil, 0, fmt.Errorf("reading the API server's answer: %w", err)
	}
	return text, res.StatusCode, nil
}

// version asks for Kubernetes' version; "" if it does not say.
func (c *connection) version(ctx context.Context, timeout time.Duration) string {
	text, status, err := c.ask(ctx, timeout, "/version")
	var v struct {
		GitVersion string `json:"gitVersion"`
	}
	if err != nil || status != http.StatusOK || json.Unmarshal(text, &v) != nil {
		return ""
	}
	return v.GitVersion
}

// nodeKind looks at a few nodes: those of kwok say that they are simulated.
func (c *connection) nodeKind(ctx context.Context, timeout time.Duration) NodeKind {
	text, status, err := c.ask(ctx, timeout, "/api/v1/nodes?limit=5")
	var nodes struct {
		Items []struct {
			Metadata struct {
				Annotations map[string]string `json:"annotations"`
			} `json:"metadata"`
		} `json:"items"`
	}
	if err != nil || status != http.StatusOK || json.Unmarshal(text, &nodes) != nil || len(nodes.Items) == 0 {
		return ""
	}
	for _, n := range nodes.Items {
		if _, simulated := n.Metadata.Annotations["kwok.x-k8s.io/node"]; !simulated {
			return NodeReal
		}
	}
	return NodeSimulated
}

func markOf(name string) fileMark {
	if name == "" {
		return fileMark{}
	}
	info, err := os.Stat(name)
	if err != nil {
		return fileMark{}
	}
	return fileMark{exists: true, mtime: info.ModTime(), size: info.Size()}
}

func marksOf(names []string) []fileMark {
	marks := make([]fileMark, len(names))
	for i, name := range names {
		marks[i] = markOf(name)
	}
	return marks
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	if len(line) > 200 {
		line = line[:200]
	}
	return line
}

// Kubeconfigs and the plug-in in them, as client-go itself uses both.

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientauthentication "k8s.io/client-go/pkg/apis/clientauthentication/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

func TestKubeconfigHoldsNoSecret(t *testing.T) {
	w := newWorld(t)
	w.admin()
	text := w.must("", "kubeconfig")
	config, err := clientcmd.Load([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	cluster, user := config.Clusters["atoll-local"], config.AuthInfos["atoll-local-admin"]
	if cluster == nil || user == nil || user.Exec == nil || config.CurrentContext != "atoll-local" || config.Contexts["atoll-local"] == nil {
		t.Fatal(text)
	}
	if !strings.HasPrefix(cluster.Server, "https://127.0.0.1:") || !strings.HasSuffix(cluster.Server, "/clusters/local") || cluster.InsecureSkipTLSVerify || !strings.Contains(string(cluster.CertificateAuthorityData), "BEGIN CERTIFICATE") {
		t.Errorf("%+v", cluster)
	}
	if user.Token != "" || strings.Contains(text, "atoll_") {
		t.Errorf("there is a token in it:\n%s", text)
	}
	if got := strings.Join(user.Exec.Args, " "); !strings.HasPrefix(got, "kubeconfig token --cluster local --context admin@127.0.0.1:") || user.Exec.Env[0].Value != w.file {
		t.Errorf("%q %v", got, user.Exec.Env)
	}
	if out := w.fails(exitNotFound, "", "kubeconfig", "--cluster", "none"); !strings.Contains(out, "none") {
		t.Error(out)
	}
	w.fails(exitUsage, "", "kubeconfig", "--token", "x", "--server", w.url)
}

func TestKubeconfigIsAddedToWhatIsThere(t *testing.T) {
	w := newWorld(t)
	w.admin()
	file := filepath.Join(t.TempDir(), "kube", "config")
	w.must("", "kubeconfig", "-o", file) // with its folder
	config, err := clientcmd.LoadFromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	config.Clusters["mine"] = &api.Cluster{Server: "https://mine.example"}
	config.CurrentContext = "mine"
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	if out := w.must("", "kubeconfig", "-o", file); !strings.Contains(out, "atoll-local, which is current now") {
		t.Error(out)
	}
	config, err = clientcmd.LoadFromFile(file)
	if err != nil || config.Clusters["mine"].Server != "https://mine.example" || len(config.Contexts) != 1 || config.CurrentContext != "atoll-local" {
		t.Errorf("%v %+v", err, config)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if err := os.WriteFile(file, []byte("clusters: 7"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.fails(exitFailed, "", "kubeconfig", "-o", file)
	if text, _ := os.ReadFile(file); string(text) != "clusters: 7" {
		t.Errorf("what could not be read was written over: %s", text)
	}
}

// plugged runs the plug-in and gives its token.
func (w *world) plugged() (token string, expires time.Time) {
	w.t.Helper()
	var out clientauthentication.ExecCredential
	if err := json.Unmarshal([]byte(w.must("", "kubeconfig", "token", "--cluster", "local")), &out); err != nil {
		w.t.Fatal(err)
	}
	if out.Kind != "ExecCredential" || out.APIVersion != execVersion || out.Status == nil || out.Status.ExpirationTimestamp == nil {
		w.t.Fatalf("%+v", out)
	}
	return out.Status.Token, out.Status.ExpirationTimestamp.Time
}

func TestShortTokensAreKeptRenewedAndRevoked(t *testing.T) {
	w := newWorld(t)
	w.admin()
	one, expires := w.plugged()
	if left := time.Until(expires); left < 55*time.Minute || left > time.Hour {
		t.Errorf("it is good for %v", left)
	}
	if again, _ := w.plugged(); again != one {
		t.Error("each call makes another token")
	}
	err := filepath.WalkDir(filepath.Join(filepath.Dir(w.file), "kubernetes"), func(name string, d os.DirEntry, err error) error {
		info, _ := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others read %s: %v", name, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	api, err := endpoint{server: w.url, token: one}.client()
	if err != nil {
		t.Fatal(err)
	}
	good := func() bool { return api.accepts(t.Context(), "local", one) }
	if !good() {
		t.Error("the token is not accepted")
	}
	var list struct {
		Items []struct{ ID, Kubernetes string }
	}
	w.call(http.MethodGet, "/api/v1/tokens", nil, &list)
	for _, item := range list.Items {
		if item.Kubernetes == "local" {
			w.call(http.MethodDelete, "/api/v1/tokens/"+item.ID, nil, nil)
		}
	}
	two, _ := w.plugged()
	if good() || two == one {
		t.Error("a token that was revoked is handed out")
	}
	// What is about to end is not handed out.
	kept, err := filepath.Glob(filepath.Join(filepath.Dir(w.file), "kubernetes", "*", "*.json"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("%v %v", kept, err)
	}
	old, _ := readClusterToken(kept[0])
	old.ExpiresAt = time.Now().Add(tokenAtLeast - time.Second)
	text, _ := json.Marshal(old)
	if err := os.WriteFile(kept[0], text, 0o600); err != nil {
		t.Fatal(err)
	}
	if three, _ := w.plugged(); three == two {
		t.Error("a token that is about to end is handed out")
	}
	three, _ := w.plugged()
	w.must("", "logout")
	api.token, one = three, three
	if _, err := os.Stat(filepath.Dir(kept[0])); good() || !os.IsNotExist(err) {
		t.Errorf("after signing out the token is good, or kept: %v", err)
	}
	w.fails(exitUsage, "", "kubeconfig", "token", "--cluster", "local")
}

func TestSignInsForReadingMakeNoShortToken(t *testing.T) {
	w := newWorld(t)
	w.must(adminPassword+"\n", "login", w.url, "--user", "admin", "--password-stdin", "--read-only")
	if out := w.fails(exitDenied, "", "kubeconfig", "token"); !strings.Contains(out, "reading only") {
		t.Error(out)
	}
}

// TestClientGoRunsThePlugin is all of it with the real program.
func TestClientGoRunsThePlugin(t *testing.T) {
	binary, err := buildAtoll()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.admin()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if out, err := exec.Command(binary, "kubeconfig", "-o", file).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	ask := func() (int, string, error) {
		config, err := clientcmd.BuildConfigFromFlags("", file)
		if err != nil {
			t.Fatal(err)
		}
		client, err := rest.HTTPClientFor(config)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Get(config.Host + "/version")
		if err != nil {
			return 0, "", err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		return res.StatusCode, string(text), err
	}
	// The cluster of these tests does not answer: who is told so was let in.
	if code, text, err := ask(); err != nil || code != http.StatusServiceUnavailable || !strings.Contains(text, `the cluster \"local\"`) {
		t.Errorf("%d %s %v", code, text, err)
	}
	w.must("", "logout")
	// client-go has the token yet, which was revoked, and gets no other.
	if code, text, err := ask(); err != nil || code != http.StatusUnauthorized {
		t.Errorf("after signing out: %d %s %v", code, text, err)
	}
}

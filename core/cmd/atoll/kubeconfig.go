// atoll kubeconfig: kubectl, Helm and their like go through Atoll, with short
// tokens that they ask this program for.

package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

const aboutKubeconfig = `Write a kubeconfig with which kubectl, Helm and their like reach a cluster
through Atoll, as who is signed in.

There is no secret in it. They run "atoll kubeconfig token" when they need a
credential, which makes a token from the sign-in of atoll login that is good for
an hour, for Kubernetes of this cluster and for nothing else. When the sign-in is
over, they say so; atoll login is all that is needed then.

With -o FILE, what else stands in that file is kept, and its current context
becomes the new one. Without, the kubeconfig is printed.

A person who signed in for reading only, or with a limited token, cannot make
tokens: the sign-in must be for everything.`

// kubeconfigFlags are those of both commands.
type kubeconfigFlags struct {
	target
	cluster string
}

func newKubeconfig() *cobra.Command {
	var f kubeconfigFlags
	var out string
	c := &cobra.Command{
		Use: "kubeconfig", Short: "Write a kubeconfig for kubectl", Long: aboutKubeconfig, Args: cobra.NoArgs,
		Example: "  atoll kubeconfig -o ~/.kube/config\n  atoll kubeconfig --cluster local > local.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			e, err := f.lasting()
			if err != nil {
				return err
			}
			into := api.NewConfig()
			if out != "" {
				if into, err = readKubeconfig(out); err != nil {
					return err // before anything is asked
				}
			}
			from, err := e.client()
			if err != nil {
				return err
			}
			name, err := f.add(c.Context(), e, from, into)
			if err != nil {
				return err
			}
			text, err := clientcmd.Write(*into)
			if err != nil {
				return fmt.Errorf("making the kubeconfig: %w", err)
			}
			if out == "" {
				_, err := c.OutOrStdout().Write(text)
				return err
			}
			if err := replaceFile(out, text); err != nil {
				return fmt.Errorf("writing the kubeconfig: %w", err)
			}
			fmt.Fprintf(c.OutOrStdout(), "%s has the context %s, which is current now.\n", out, name)
			return nil
		},
	}
	c.PersistentFlags().StringVar(&f.cluster, "cluster", "", "`name` of the cluster; may be left out where there is one")
	f.target.flags(c.PersistentFlags())
	c.Flags().StringVarP(&out, "output", "o", "", "`file` to write or add to, instead of printing")
	c.AddCommand(newKubeconfigToken(&f))
	return c
}

// lasting is the Atoll that is meant, and a credential that will be found again
// when kubectl asks: a sign-in, or a token in the environment.
func (f *kubeconfigFlags) lasting() (endpoint, error) {
	e, err := f.find()
	switch {
	case err != nil:
		return e, err
	case e.token == "":
		return e, wrongUse("the run file's password is for this once; sign in with atoll login %s", e.server)
	case f.token != "":
		return e, wrongUse("kubectl would not have the token of the command line: sign in with atoll login, or say it in ATOLL_TOKEN")
	}
	return e, nil
}

// readKubeconfig is what a file holds; nothing where there is none.
func readKubeconfig(name string) (*api.Config, error) {
	config, err := clientcmd.LoadFromFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return api.NewConfig(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s, to which the cluster would be added: %w", name, err)
	}
	return config, nil
}

// add adds the cluster to a kubeconfig, and gives the name of its context.
func (f *kubeconfigFlags) add(ctx context.Context, e endpoint, from *client, into *api.Config) (string, error) {
	if err := f.chooseCluster(ctx, from); err != nil {
		return "", err
	}
	var me account
	if err := from.call(ctx, http.MethodGet, "/api/v1/users/me", nil, &me); err != nil {
		return "", err
	}
	var at struct{ Server, CertificateAuthority string }
	if err := from.call(ctx, http.MethodGet, "/api/v1/clusters/"+url.PathEscape(f.cluster)+"/address", nil, &at); err != nil {
		return "", err
	}
	u, err := url.Parse(at.Server)
	if err != nil || u.Scheme != "https" {
		return "", fmt.Errorf("Atoll says that kubectl finds it at %q, which is no https address", printable(at.Server))
	}
	cluster := &api.Cluster{Server: at.Server}
	if at.CertificateAuthority != "" {
		if !x509.NewCertPool().AppendCertsFromPEM([]byte(at.CertificateAuthority)) {
			return "", errors.New("what Atoll gives as its certificate authority holds no certificate")
		}
		cluster.CertificateAuthorityData = []byte(at.CertificateAuthority)
	}
	plugin, err := f.plugin(e)
	if err != nil {
		return "", err
	}
	name := "atoll-" + f.cluster
	user := name + "-" + me.Name
	into.Clusters[name] = cluster
	into.AuthInfos[user] = &api.AuthInfo{Exec: plugin}
	into.Contexts[name] = &api.Context{Cluster: name, AuthInfo: user}
	into.CurrentContext = name
	return name, nil
}

// chooseCluster finds the cluster where none was named.
func (f *kubeconfigFlags) chooseCluster(ctx context.Context, from *client) error {
	if f.cluster != "" {
		return nil
	}
	var list struct{ Items []struct{ Name string } }
	if err := from.call(ctx, http.MethodGet, "/api/v1/clusters", nil, &list); err != nil {
		return err
	}
	names := make([]string, len(list.Items))
	for i, one := range list.Items {
		names[i] = printable(one.Name)
	}
	switch len(names) {
	case 0:
		return &exitError{exitNotFound, errors.New("there is no cluster that you may see")}
	case 1:
		f.cluster = names[0]
		return nil
	}
	return wrongUse("which cluster? Say --cluster: %s", strings.Join(names, ", "))
}

// plugin is how kubectl asks this program for a token, wherever it is run.
func (f *kubeconfigFlags) plugin(e endpoint) (*api.ExecConfig, error) {
	p := &api.ExecConfig{
		APIVersion: execVersion, Command: "atoll", Args: []string{"kubeconfig", "token", "--cluster", f.cluster}, InteractiveMode: api.NeverExecInteractiveMode,
		InstallHint: "This kubeconfig needs the program atoll, which was not found.",
	}
	own, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	if found, err := exec.LookPath("atoll"); err != nil || !sameFile(found, own) {
		p.Command = own
	}
	if e.context != "" {
		p.Args = append(p.Args, "--context", e.context)
		if name := os.Getenv("ATOLL_CONFIG"); name != "" {
			if name, err = filepath.Abs(name); err != nil {
				return nil, err
			}
			p.Env = append(p.Env, api.ExecEnvVar{Name: "ATOLL_CONFIG", Value: name})
		}
		return p, nil
	}
	p.Args = append(p.Args, "--server", e.server) // the token is where it was: in ATOLL_TOKEN
	if f.caFile != "" {
		name, err := filepath.Abs(f.caFile)
		if err != nil {
			return nil, err
		}
		p.Args = append(p.Args, "--ca-file", name)
	}
	return p, nil
}

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// replaceFile writes a file that only its owner reads, whole or not at all.
func replaceFile(name string, text []byte) error {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real // people keep such files elsewhere
	}
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	next, err := os.CreateTemp(dir, ".atoll-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(next.Name()) // nothing is there when all went well
	_, err = next.Write(text)
	if err = errors.Join(err, next.Sync(), next.Close()); err != nil {
		return err
	}
	return os.Rename(next.Name(), name)
}

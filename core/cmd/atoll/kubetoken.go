// atoll kubeconfig token: the credential plug-in that kubectl runs. Its tokens
// are kept until shortly before they end, since kubectl keeps none.

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientauthentication "k8s.io/client-go/pkg/apis/clientauthentication/v1"
)

const (
	execVersion  = "client.authentication.k8s.io/v1"
	tokenAtLeast = 5 * time.Minute // what a token that is handed out is good for yet
)

// clusterToken is a short token as it is kept.
type clusterToken struct {
	ID        string    `json:"id"`
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expiresAt"`
}

func newKubeconfigToken(f *kubeconfigFlags) *cobra.Command {
	return &cobra.Command{
		Use: "token", Short: "Print a short token for kubectl, as its credential plug-in", Args: cobra.NoArgs,
		Long:    "Print an ExecCredential with a token that is good for an hour at most, for\nKubernetes of one cluster only. A kubeconfig of atoll kubeconfig runs this.",
		Example: "  atoll kubeconfig token --cluster local",
		RunE: func(c *cobra.Command, _ []string) error {
			e, err := f.lasting()
			if err != nil {
				return err
			}
			from, err := e.client()
			if err != nil {
				return err
			}
			if err := f.chooseCluster(c.Context(), from); err != nil {
				return err
			}
			t, err := f.clusterToken(c.Context(), e, from)
			if err != nil {
				return err
			}
			expires := metav1.NewTime(t.ExpiresAt)
			return json.NewEncoder(c.OutOrStdout()).Encode(clientauthentication.ExecCredential{
				TypeMeta: metav1.TypeMeta{APIVersion: execVersion, Kind: "ExecCredential"},
				Status:   &clientauthentication.ExecCredentialStatus{Token: t.Token, ExpirationTimestamp: &expires},
			})
		},
	}
}

// clusterToken is a token that was kept, or a new one.
func (f *kubeconfigFlags) clusterToken(ctx context.Context, e endpoint, from *client) (clusterToken, error) {
	name, err := e.tokenFile(f.cluster)
	if err != nil {
		return clusterToken{}, err
	}
	if t, ok := readClusterToken(name); ok && time.Until(t.ExpiresAt) > tokenAtLeast && from.accepts(ctx, f.cluster, t.Token) {
		return t, nil
	}
	var made clusterToken
	if err := from.call(ctx, http.MethodPost, "/api/v1/clusters/"+url.PathEscape(f.cluster)+"/tokens", map[string]any{}, &made); err != nil {
		return clusterToken{}, fmt.Errorf("making a token for Kubernetes: %w", err)
	}
	text, err := json.Marshal(made)
	if err == nil {
		err = replaceFile(name, text)
	}
	if err != nil {
		return clusterToken{}, fmt.Errorf("keeping the token: %w", err)
	}
	return made, nil
}

// tokenFile is where the token for a cluster is kept: beside the sign-ins, in a
// folder of the credential that it was made by.
func (e endpoint) tokenFile(cluster string) (string, error) {
	beside, err := signInsFile()
	if err != nil {
		return "", err
	}
	by := sha256.Sum256([]byte(e.server + "\n" + e.token))
	of := sha256.Sum256([]byte(cluster))
	return filepath.Join(filepath.Dir(beside), "kubernetes", hex.EncodeToString(by[:16]), hex.EncodeToString(of[:8])+".json"), nil
}

func readClusterToken(name string) (t clusterToken, ok bool) {
	text, err := os.ReadFile(name)
	return t, err == nil && json.Unmarshal(text, &t) == nil && t.Token != ""
}

// accepts tells whether a token was not revoked meanwhile. Where Atoll does not
// say, kubectl shall hear why.
func (c *client) accepts(ctx context.Context, cluster, token string) bool {
	by := *c
	by.token = token
	err := by.call(ctx, http.MethodGet, "/clusters/"+url.PathEscape(cluster)+"/version", nil, nil)
	p := (*problem)(nil)
	return !errors.As(err, &p) || p.Status != http.StatusUnauthorized && p.Status != http.StatusForbidden
}

// forgetTokens revokes and removes the tokens that were made by a credential.
func (e endpoint) forgetTokens(ctx context.Context, revoke bool) error {
	one, err := e.tokenFile("")
	if err != nil {
		return err
	}
	dir := filepath.Dir(one)
	kept, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the tokens for Kubernetes: %w", err)
	}
	var failed error
	if revoke {
		from, err := e.client()
		if err != nil {
			return err
		}
		for _, file := range kept {
			if t, ok := readClusterToken(filepath.Join(dir, file.Name())); ok && time.Now().Before(t.ExpiresAt) {
				err := from.revoke(ctx, t.ID)
				if p := (*problem)(nil); errors.As(err, &p) && p.Status == http.StatusUnauthorized {
					err = nil // they do not outlive what they were made by
				}
				failed = errors.Join(failed, err)
			}
		}
	}
	return errors.Join(failed, os.RemoveAll(dir))
}

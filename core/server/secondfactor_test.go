// The second factor from outside: asked for by a problem that programs know,
// demanded by policy before anything else.

package server

import (
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// enrol gives the browser's person a second factor and returns its secret and
// the recovery codes.
func (b *browser) enrol(password string) (string, []string) {
	b.r.t.Helper()
	var e struct{ Secret, URL string }
	b.must("POST", "/api/v1/users/me/second-factor", map[string]any{"password": password}, 201).json(&e)
	if !strings.HasPrefix(e.URL, "otpauth://totp/") {
		b.r.t.Fatalf("the URL is %q", e.URL)
	}
	b.must("POST", "/api/v1/users/me/second-factor:confirm", map[string]any{"code": "000000"}, 422)
	code, err := totp.GenerateCode(e.Secret, time.Now())
	if err != nil {
		b.r.t.Fatal(err)
	}
	var made struct{ RecoveryCodes []string }
	b.must("POST", "/api/v1/users/me/second-factor:confirm", map[string]any{"code": code}, 200).json(&made)
	return e.Secret, made.RecoveryCodes
}

func TestSigningInAsksForTheCode(t *testing.T) {
	r := start(t, nil)
	admin := r.admin()
	secret, codes := admin.enrol(adminPassword)
	try := func(code string) answer {
		body := map[string]any{"username": adminName, "password": adminPassword}
		if code != "" {
			body["code"] = code
		}
		return r.do(&browser{r: r}, "POST", "/api/v1/sessions", body, nil)
	}
	if a := try(""); a.status != 401 || !strings.Contains(string(a.body), `"type":"urn:atoll:problem:second-factor"`) || a.header.Get("Set-Cookie") != "" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := try("000000"); a.status != 401 || strings.Contains(string(a.body), "urn:atoll:problem:second-factor") {
		t.Fatalf("a wrong code: %d %s", a.status, a.body)
	}
	if a := try(codes[0]); a.status != 201 {
		t.Fatalf("a recovery code: %d %s", a.status, a.body)
	}
	if a := try(codes[0]); a.status != 401 {
		t.Fatalf("the same again: %d", a.status)
	}
	var state struct {
		Enabled, Required bool
		RecoveryCodesLeft int
	}
	admin.must("GET", "/api/v1/users/me/second-factor", nil, 200).json(&state)
	if !state.Enabled || state.Required || state.RecoveryCodesLeft != 9 {
		t.Errorf("got %+v", state)
	}
	admin.must("POST", "/api/v1/users/me/second-factor", map[string]any{"password": adminPassword}, 409)
	admin.newToken().must("POST", "/api/v1/users/me/second-factor:disable", map[string]any{"password": adminPassword}, 403)
	admin.must("POST", "/api/v1/users/me/second-factor:disable", map[string]any{"password": "wrong"}, 422)
	admin.must("POST", "/api/v1/users/me/second-factor:disable", map[string]any{"password": adminPassword}, 204)
	r.admin()
	r.stopAndWait()
	for _, text := range []string{r.log.String(), readAll(t, r.dir+"/audit")} {
		for _, s := range append(codes, secret) {
			if strings.Contains(text, s) {
				t.Fatal("the log or the audit holds a secret of the second factor")
			}
		}
	}
}

func TestDemandedSecondFactorComesFirst(t *testing.T) {
	r := start(t, func(c *Config) { c.Identity.RequireSecondFactor = "admins" })
	admin := r.admin()
	for _, target := range []string{"GET /api/v1/users", "POST /api/v1/tokens", "GET /clusters/local/api", "GET /api/v1/stream", "POST /api/v1/users/me/second-factor:disable", "DELETE /api/v1/users/admin/second-factor"} {
		method, path, _ := strings.Cut(target, " ")
		if a := admin.do(method, path, nil); a.status != 403 {
			t.Errorf("%s before there is a second factor: %d", target, a.status)
		}
	}
	admin.enrol(adminPassword)
	jane := admin.user("jane", "platform-member") // of whom it is not demanded
	jane.must("DELETE", "/api/v1/users/admin/second-factor", nil, 403)
	admin.must("POST", "/api/v1/users/me/second-factor:disable", map[string]any{"password": adminPassword}, 403)
	jane.enrol("second password")
	admin.must("DELETE", "/api/v1/users/jane/second-factor", nil, 204)
	jane.must("GET", "/api/v1/users/me", nil, 401)
	r.signIn("jane", "second password")
	admin.must("DELETE", "/api/v1/users/nobody/second-factor", nil, 404)
}

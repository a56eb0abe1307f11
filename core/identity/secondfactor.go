// The second factor: a code of the moment (TOTP, RFC 6238) from the person's
// telephone, and recovery codes for the day it is lost.
//
// A code is good once: the step of time that it belongs to is kept, and no step
// up to it is taken again. The secret is kept as it is, since codes are computed
// from it; whoever can read the store's file can read it.

package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

const (
	secondFactorPrefix = "secondfactors/" // by the user's uid

	codeIssuer = "Atoll"
	codePeriod = 30 // seconds that a code belongs to
	codeSkew   = 1  // steps that the telephone's clock may be off, either way

	// codeLongest bounds the wait after wrong codes. Whoever gets there has the
	// password, so that it may be longer than for a name.
	codeLongest = 15 * time.Minute

	recoveryCodes  = 10
	recoveryLength = 16 // characters of a-z and 2-7: 80 bits, so that a plain hash keeps them
)

// Who must have a second factor: a value of Options.RequireSecondFactor.
const (
	RequireNobody = ""       // whoever likes
	RequireAdmins = "admins" // who manages users
	RequireAll    = "all"    // everybody who signs in by a password
)

// secondFactorRecord is a second factor in the store. Until it is confirmed by
// a code it is only meant.
type secondFactorRecord struct {
	Secret    string   `json:"secret"` // base32
	Confirmed bool     `json:"confirmed,omitempty"`
	LastStep  int64    `json:"lastStep,omitempty"` // the newest step whose code was used
	Recovery  []string `json:"recovery,omitempty"` // SHA-256 of those that are left, base64
}

// Enrolment is what a telephone needs to compute codes; it is shown once.
type Enrolment struct {
	Secret string // base32, to be typed
	URL    string // otpauth://, to be drawn as a QR code
}

// SecondFactor is what a person may know about their own.
type SecondFactor struct {
	Enabled           bool
	Required          bool // by policy
	RecoveryCodesLeft int
}

// SecondFactor reads the state of the subject's own.
func (v *Service) SecondFactor(ctx context.Context, s access.Subject) (SecondFactor, error) {
	state := SecondFactor{Required: v.requiresSecondFactor(s)}
	item, err := v.factors.Get(ctx, s.UID)
	if errors.Is(err, store.ErrNotFound) {
		return state, nil
	}
	if err != nil {
		return state, fmt.Errorf("reading the second factor: %w", err)
	}
	state.Enabled, state.RecoveryCodesLeft = item.Value.Confirmed, len(item.Value.Recovery)
	return state, nil
}

// requiresSecondFactor tells whether the policy demands one of a person.
func (v *Service) requiresSecondFactor(s access.Subject) bool {
	switch v.options.RequireSecondFactor {
	case RequireAll:
		return true
	case RequireAdmins:
		s.ReadOnly = false // it is about the person, not the credential
		return v.index.Can(s, access.UsersManage, access.Scope{}).Allowed
	}
	return false
}

// MustEnrol tells whether a subject came by a session that is good for setting
// up a second factor only.
func (v *Service) MustEnrol(s access.Subject) bool {
	return s.Via == access.ViaSession && v.options.RequireSecondFactor != RequireNobody &&
		v.sessions.lacksFactor(s.Credential) && v.requiresSecondFactor(s)
}

// EnrolSecondFactor makes a new secret for the subject, good once a code of it
// was confirmed. ErrBadCredentials, ErrDenied, ErrState, *TooMany.
func (v *Service) EnrolSecondFactor(ctx context.Context, s access.Subject, password string, from Client) (Enrolment, error) {
	if _, err := v.own(ctx, s, password, from); err != nil {
		return Enrolment{}, err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: codeIssuer, AccountName: s.Name, Period: codePeriod, Rand: rand.Reader})
	if err != nil {
		return Enrolment{}, fmt.Errorf("making a second factor: %w", err)
	}
	err = again(ctx, func() error {
		guard := v.factors.Absent(s.UID)
		switch item, err := v.factors.Get(ctx, s.UID); {
		case err == nil && item.Value.Confirmed:
			return fmt.Errorf("another second factor is %w: there is one, remove it first", ErrState)
		case err == nil:
			guard = v.factors.At(s.UID, item.Modified)
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		put, err := v.factors.PutOp(s.UID, secondFactorRecord{Secret: key.Secret()})
		if err != nil {
			return err
		}
		return v.commit(ctx, []store.Guard{guard}, put)
	})
	if err != nil {
		return Enrolment{}, fmt.Errorf("making a second factor: %w", err)
	}
	return Enrolment{Secret: key.Secret(), URL: key.URL()}, nil
}

// ConfirmSecondFactor turns the subject's second factor on, by a code that
// shows that the telephone has the secret. It returns the recovery codes, this
// once. The other sessions, begun without it, end. ErrBadCode, ErrDenied,
// ErrState, *TooMany.
func (v *Service) ConfirmSecondFactor(ctx context.Context, s access.Subject, code string) ([]string, error) {
	if err := bySessionOnly(s); err != nil {
		return nil, err
	}
	if wait := v.byCode.attempt(s.UID); wait > 0 {
		return nil, &TooMany{RetryAfter: wait}
	}
	codes, hashes := newRecoveryCodes()
	err := v.changeFactor(ctx, s.Name, s.UID, func(u *userRecord, f *secondFactorRecord) error {
		if f.Confirmed {
			return fmt.Errorf("confirming is %w: it was confirmed", ErrState)
		}
		step, ok := v.codeStep(f, code)
		if !ok {
			return ErrBadCode
		}
		f.Confirmed, f.LastStep, f.Recovery = true, step, hashes
		u.SecondFactor = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	v.byCode.forget(s.UID)
	v.sessions.endAll(s.UID, s.Credential)
	v.sessions.gotFactor(s.Credential)
	v.notify()
	return codes, nil
}

// RenewRecoveryCodes replaces the subject's recovery codes, used or not.
// ErrBadCredentials, ErrDenied, ErrState, *TooMany.
func (v *Service) RenewRecoveryCodes(ctx context.Context, s access.Subject, password string, from Client) ([]string, error) {
	if _, err := v.own(ctx, s, password, from); err != nil {
		return nil, err
	}
	codes, hashes := newRecoveryCodes()
	err := v.changeFactor(ctx, s.Name, s.UID, func(_ *userRecord, f *secondFactorRecord) error {
		if !f.Confirmed {
			return fmt.Errorf("recovery codes are %w: there is no second factor", ErrState)
		}
		f.Recovery = hashes
		return nil
	})
	return codes, err
}

// DisableSecondFactor takes the subject's second factor away. ErrBadCredentials,
// ErrDenied where the policy demands one, *TooMany.
func (v *Service) DisableSecondFactor(ctx context.Context, s access.Subject, password string, from Client) error {
	if _, err := v.own(ctx, s, password, from); err != nil {
		return err
	}
	if v.requiresSecondFactor(s) {
		return fmt.Errorf("being without a second factor is %w here", ErrDenied)
	}
	return v.dropFactor(ctx, s.Name, s.UID)
}

// ResetSecondFactor takes a user's second factor away, for an administrator,
// and ends the user's sessions. ErrNotFound.
func (v *Service) ResetSecondFactor(ctx context.Context, name string) error {
	item, err := v.record(ctx, name)
	if err != nil {
		return err
	}
	if err := v.dropFactor(ctx, name, item.Value.UID); err != nil {
		return err
	}
	v.sessions.endAll(item.Value.UID, "")
	v.notify()
	return nil
}

// dropFactor removes a second factor; none is no error.
func (v *Service) dropFactor(ctx context.Context, name, uid string) error {
	err := again(ctx, func() error {
		item, err := v.record(ctx, name)
		if err != nil {
			return err
		}
		if item.Value.UID != uid {
			return ErrNotFound
		}
		item.Value.SecondFactor = false
		put, err := v.users.PutOp(name, item.Value)
		if err != nil {
			return err
		}
		return v.commit(ctx, []store.Guard{v.users.At(name, item.Modified)}, put, v.factors.DeleteOp(uid))
	})
	if err != nil {
		return fmt.Errorf("removing a second factor: %w", err)
	}
	v.sessions.lostFactor(uid)
	v.byCode.forget(uid)
	return nil
}

// changeFactor alters a user's second factor, and the user with it. ErrState
// where there is none.
func (v *Service) changeFactor(ctx context.Context, name, uid string, alter func(*userRecord, *secondFactorRecord) error) error {
	return again(ctx, func() error {
		user, err := v.record(ctx, name)
		if err != nil {
			return err
		}
		factor, err := v.factors.Get(ctx, uid)
		if errors.Is(err, store.ErrNotFound) || err == nil && user.Value.UID != uid {
			return fmt.Errorf("this is %w: there is no second factor", ErrState)
		}
		if err != nil {
			return err
		}
		before := user.Value.SecondFactor
		if err := alter(&user.Value, &factor.Value); err != nil {
			return err
		}
		put, err := v.factors.PutOp(uid, factor.Value)
		if err != nil {
			return err
		}
		ops := []store.Op{put}
		if user.Value.SecondFactor != before { // else the users' watchers need not hear of it
			if put, err = v.users.PutOp(name, user.Value); err != nil {
				return err
			}
			ops = append(ops, put)
		}
		return v.commit(ctx, []store.Guard{v.factors.At(uid, factor.Modified), v.users.At(name, user.Modified)}, ops...)
	})
}

// secondProof checks the second factor of somebody whose password was right,
// and uses the code up. ErrSecondFactor when none was sent; ErrBadCode, *TooMany.
func (v *Service) secondProof(ctx context.Context, u User, code string) error {
	if code == "" {
		return ErrSecondFactor
	}
	if wait := v.byCode.attempt(u.UID); wait > 0 {
		return &TooMany{RetryAfter: wait}
	}
	err := v.changeFactor(ctx, u.Name, u.UID, func(_ *userRecord, f *secondFactorRecord) error {
		if !f.Confirmed {
			return ErrBadCode
		}
		if step, ok := v.codeStep(f, code); ok {
			f.LastStep = step
			return nil
		}
		if !f.useRecovery(code) {
			return ErrBadCode
		}
		return nil
	})
	if err == nil {
		v.byCode.forget(u.UID)
	}
	return err
}

// codeStep finds the step of time that a code belongs to; false when it is of
// none, or of one whose code was used. All steps are looked at in any case.
func (v *Service) codeStep(f *secondFactorRecord, code string) (int64, bool) {
	now, found := v.options.Now().Unix()/codePeriod, int64(-1)
	for step := now - codeSkew; step <= now+codeSkew; step++ {
		ok, err := hotp.ValidateCustom(code, uint64(max(step, 0)), f.Secret, hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if ok && err == nil && step > f.LastStep {
			found = step
		}
	}
	return found, found >= 0
}

// newRecoveryCodes makes codes and their hashes.
func newRecoveryCodes() (codes, hashes []string) {
	for range recoveryCodes {
		code := strings.ToLower(rand.Text()[:recoveryLength])
		codes = append(codes, code[:4]+"-"+code[4:8]+"-"+code[8:12]+"-"+code[12:])
		hashes = append(hashes, recoveryHash(code))
	}
	return codes, hashes
}

func recoveryHash(plain string) string {
	sum := sha256.Sum256([]byte(plain))
	return base64.RawStdEncoding.EncodeToString(sum[:])
}

// useRecovery takes a recovery code out of those that are left; false when it
// is none. Hyphens, spaces and capitals do not matter.
func (f *secondFactorRecord) useRecovery(code string) bool {
	plain := strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(code))
	if len(plain) != recoveryLength {
		return false
	}
	got, at := []byte(recoveryHash(plain)), -1
	for i, hash := range f.Recovery {
		if subtle.ConstantTimeCompare(got, []byte(hash)) == 1 {
			at = i
		}
	}
	if at < 0 {
		return false
	}
	f.Recovery = append(f.Recovery[:at:at], f.Recovery[at+1:]...)
	return true
}

// bySessionOnly refuses what a token may not do: a stolen one must not become
// the whole account.
func bySessionOnly(s access.Subject) error {
	if s.Via != access.ViaSession || s.Narrow() || s.UID == "" {
		return fmt.Errorf("this is %w with a token: sign in", ErrDenied)
	}
	return nil
}

// own proves again, by password, that a session is in its owner's hands.
func (v *Service) own(ctx context.Context, s access.Subject, password string, from Client) (store.Item[userRecord], error) {
	if err := bySessionOnly(s); err != nil {
		return store.Item[userRecord]{}, err
	}
	user, err := v.record(ctx, s.Name)
	if err != nil {
		return user, err
	}
	if user.Value.Provider != "" {
		return user, v.ownByProvider(ctx, user.Value, password, from)
	}
	item, err := v.check(ctx, s.Name, password, from.Remote)
	if err != nil {
		return item, err
	}
	if item.Value.UID != s.UID {
		return item, ErrBadCredentials
	}
	v.byName.forget(s.Name)
	return item, nil
}

// The second factor: one's own, and taking a lost one away for somebody.

package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/server/problem"
)

// SecondFactor is the state of one's own.
type SecondFactor struct {
	Enabled           bool `json:"enabled"`
	Required          bool `json:"required" doc:"By this Atoll's policy."`
	RecoveryCodesLeft int  `json:"recoveryCodesLeft"`
}

// SecondFactorEnrolment is what a telephone needs.
type SecondFactorEnrolment struct {
	Secret string `json:"secret" doc:"Base32, to be typed. It is never shown again." example:"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"`
	URL    string `json:"url" doc:"The same as otpauth://, to be drawn as a QR code."`
}

// RecoveryCodes each stand for one code of a lost telephone.
type RecoveryCodes struct {
	RecoveryCodes []string `json:"recoveryCodes" doc:"They are never shown again." example:"[\"abcd-2345-efgh-67ij\"]"`
}

// OwnPassword proves again who sits there.
type OwnPassword struct {
	Password string `json:"password" minLength:"1" maxLength:"256" format:"password"`
}

type (
	secondFactorOutput  struct{ Body SecondFactor }
	ownPasswordInput    struct{ Body OwnPassword }
	enrolmentOutput     struct{ Body SecondFactorEnrolment }
	recoveryCodesOutput struct{ Body RecoveryCodes }
	confirmationInput   struct {
		Body struct {
			Code string `json:"code" pattern:"^[0-9]{6}$" example:"123456"`
		}
	}
)

func (s *API) registerSecondFactor(a huma.API) {
	const path = "/api/v1/users/me/second-factor"
	add(s, a, about{id: "get-second-factor", method: http.MethodGet, path: path, tag: "users", summary: "The state of one's own second factor"}, s.secondFactor)
	add(s, a, about{id: "enrol-second-factor", method: http.MethodPost, path: path, tag: "users", status: http.StatusCreated,
		summary: "Make a second factor (TOTP)", text: "It counts when it was confirmed by a code.", errors: []int{http.StatusConflict}}, s.enrolSecondFactor)
	add(s, a, about{id: "confirm-second-factor", method: http.MethodPost, path: path + ":confirm", tag: "users",
		summary: "Turn the second factor on, by a code of it", text: "The other sessions of this person end.", errors: []int{http.StatusConflict}}, s.confirmSecondFactor)
	add(s, a, about{id: "renew-recovery-codes", method: http.MethodPost, path: path + ":renewRecoveryCodes", tag: "users",
		summary: "Replace one's recovery codes", errors: []int{http.StatusConflict}}, s.renewRecoveryCodes)
	add(s, a, about{id: "disable-second-factor", method: http.MethodPost, path: path + ":disable", tag: "users", status: http.StatusNoContent,
		summary: "Remove one's second factor"}, s.disableSecondFactor)
	add(s, a, about{id: "reset-second-factor", method: http.MethodDelete, path: "/api/v1/users/{name}/second-factor", tag: "users", status: http.StatusNoContent,
		summary: "Remove somebody's second factor, when it is lost", text: "Their sessions end.", errors: []int{http.StatusNotFound}}, s.resetSecondFactor)
}

func (s *API) secondFactor(ctx context.Context, _ *struct{}) (*secondFactorOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	f, err := s.Identity.SecondFactor(ctx, who)
	if err != nil {
		return nil, err
	}
	return &secondFactorOutput{Body: SecondFactor{Enabled: f.Enabled, Required: f.Required, RecoveryCodesLeft: f.RecoveryCodesLeft}}, nil
}

func (s *API) enrolSecondFactor(ctx context.Context, in *ownPasswordInput) (*enrolmentOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	e, err := s.Identity.EnrolSecondFactor(ctx, who, in.Body.Password, client(requestOf(ctx)))
	if err != nil {
		return nil, wrongPassword(err, "/password")
	}
	return &enrolmentOutput{Body: SecondFactorEnrolment{Secret: e.Secret, URL: e.URL}}, nil
}

func (s *API) confirmSecondFactor(ctx context.Context, in *confirmationInput) (*recoveryCodesOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	codes, err := s.Identity.ConfirmSecondFactor(ctx, who, in.Body.Code)
	if errors.Is(err, identity.ErrBadCode) {
		err = problem.New(http.StatusUnprocessableEntity, "The code is not right.").
			WithErrors(problem.Fault{Pointer: "/code", Message: "this is not the code of this moment; is the telephone's clock right?"})
	}
	if err != nil {
		return nil, err
	}
	return &recoveryCodesOutput{Body: RecoveryCodes{RecoveryCodes: codes}}, nil
}

func (s *API) renewRecoveryCodes(ctx context.Context, in *ownPasswordInput) (*recoveryCodesOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	codes, err := s.Identity.RenewRecoveryCodes(ctx, who, in.Body.Password, client(requestOf(ctx)))
	if err != nil {
		return nil, wrongPassword(err, "/password")
	}
	return &recoveryCodesOutput{Body: RecoveryCodes{RecoveryCodes: codes}}, nil
}

func (s *API) disableSecondFactor(ctx context.Context, in *ownPasswordInput) (*struct{}, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	return nil, wrongPassword(s.Identity.DisableSecondFactor(ctx, who, in.Body.Password, client(requestOf(ctx))), "/password")
}

func (s *API) resetSecondFactor(ctx context.Context, in *UserPath) (*struct{}, error) {
	if err := s.mayManage(ctx, in.Name); err != nil {
		return nil, err
	}
	return nil, s.Identity.ResetSecondFactor(ctx, in.Name)
}

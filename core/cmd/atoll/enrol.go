// Setting up a second factor at the terminal, on the way of signing in.

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

const (
	secondFactorPath = "/api/v1/users/me/second-factor"
	maxWrongCodes    = 3 // then the clocks differ, and asking again does not help
)

// enrol gives who has signed in a second factor: the secret is shown, a code
// confirms it, and the recovery codes are shown.
func (p *prompter) enrol(ctx context.Context, api *client, password string) error {
	if p.terminal == nil {
		return &exitError{exitDenied, errors.New("a second factor has to be set up: run atoll login at a terminal")}
	}
	var made struct{ Secret, URL string }
	if err := api.call(ctx, http.MethodPost, secondFactorPath, map[string]string{"password": password}, &made); err != nil {
		return fmt.Errorf("making a second factor: %w", err)
	}
	fmt.Fprintf(p.out, "\nA second factor: type this secret into an authenticator, or give it the address.\n\n   %s\n   %s\n\n", printable(made.Secret), printable(made.URL))
	var confirmed struct{ RecoveryCodes []string }
	for wrong := 1; ; wrong++ {
		code, err := p.secret("Code that it shows")
		if err != nil {
			return err
		}
		err = api.call(ctx, http.MethodPost, secondFactorPath+":confirm", map[string]string{"code": code}, &confirmed)
		if err == nil {
			break
		}
		if wrong == maxWrongCodes || !isStatus(err, http.StatusUnprocessableEntity) {
			return fmt.Errorf("confirming the second factor: %w", err)
		}
		fmt.Fprintln(p.out, "That is not the code of this moment.")
	}
	fmt.Fprintf(p.out, "\nThe second factor counts from now on. Each of these stands in for one code, once; they are not shown again.\n\n   %s\n\n", printable(strings.Join(confirmed.RecoveryCodes, "\n   ")))
	return nil
}

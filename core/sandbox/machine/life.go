// How the sandbox's process fares, for who looks after it.
package machine

import "time"

// Life is how the sandbox's process fares.
type Life struct {
	// Up tells whether it is there; PID and Since are of the one that is.
	Up    bool
	PID   int
	Since time.Time
	// Restarts counts how often it was started after it had ended, Failure is
	// why it last ended or could not be started, for logs.
	Restarts uint64
	Failure  string
	// Running is how many turns, starts and modules it was asked for and has not
	// answered; those that wait for a processor are among them.
	Running int
	// Memory is what of it is resident, in bytes; zero: the system does not say.
	Memory uint64
	// Lacking are the parts of its wall that this system does not have.
	Lacking []string
}

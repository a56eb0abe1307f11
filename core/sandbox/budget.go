// Budgets: what bounds a guest's work, and how it is said that one is used up.
package sandbox

// Budget names what can be used up.
type Budget string

// The budgets. They are named as the fields of Limits.
const (
	// BudgetDeadline: a request's time was up.
	BudgetDeadline Budget = "deadline"
	// BudgetStreams: an instance carried as many streams as it may.
	BudgetStreams Budget = "streams"
)

package crm

import "time"

// A DecisionKind says what was decided.
type DecisionKind string

// The kinds of decision.
const (
	DecidedEnroll  DecisionKind = "enroll"  // a run of a journey began
	DecidedRefuse  DecisionKind = "refuse"  // a trigger matched and no run began, for the reason given
	DecidedBranch  DecisionKind = "branch"  // a branch was taken; Detail names the case
	DecidedWait    DecisionKind = "wait"    // the run waits; Detail says until when
	DecidedQueue   DecisionKind = "queue"   // a message was queued
	DecidedSkip    DecisionKind = "skip"    // a message was skipped, for the reason given
	DecidedExit    DecisionKind = "exit"    // the run ended before its last step
	DecidedFinish  DecisionKind = "finish"  // the run came to its end
	DecidedSend    DecisionKind = "send"    // a message was taken by the mail system
	DecidedRetry   DecisionKind = "retry"   // a message was not taken and will be tried again
	DecidedFail    DecisionKind = "fail"    // a message was refused for good, or given up
	DecidedUnknown DecisionKind = "unknown" // an attempt ended without anybody knowing how
	DecidedRank    DecisionKind = "rank"    // the customer's rank changed; Detail says from and to
	DecidedReport  DecisionKind = "report"  // something is wrong with a fact or address, and was kept
	DecidedMerge   DecisionKind = "merge"   // a guest turned out to be a customer with an account
	DecidedErase   DecisionKind = "erase"   // the customer was erased
)

// A Decision is one line of the log that explains what happened to a customer.
// It holds no personal data.
type Decision struct {
	Customer   string       `json:"customer"`
	At         time.Time    `json:"at"` // At is when it took effect: the fact's or the due time.
	Kind       DecisionKind `json:"kind"`
	Journey    string       `json:"journey,omitempty"`
	Version    int          `json:"version,omitempty"`
	Enrollment string       `json:"enrollment,omitempty"`
	Step       string       `json:"step,omitempty"`
	Message    string       `json:"message,omitempty"`
	Reason     Reason       `json:"reason,omitempty"`
	Detail     string       `json:"detail,omitempty"`
}

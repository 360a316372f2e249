// Package failure holds tests of what goen does when things go wrong: on real
// databases, through the public API, and always to the end, when whatever failed
// is well again. The table says what is tested where, also elsewhere.
//
//	a process dies at each statement       TestProcessDiesAtEachStatement, on each database: the statement never arrived, or its answer is lost
//	  … anywhere, by a signal              internal/torture TestTorture; storage/sqlite TestKilledProcess
//	  … between any two calls              internal/simulate TestSeeds (Kill, Torn, Lost)
//	the database server is killed          TestServerIsKilled: between and in the middle of record, fold, claim and send
//	  … under load, and connections cut    internal/torture TestTorture; storage/postgres TestServerDies; storagetest Durability
//	a connection is cut in COMMIT          TestCutInEachCall: at each statement of Append, Update, Lease, Mark, Define, Import and Take
//	  … one call after the other           storage/postgres and storage/mysql TestCutDuringCommit
//	  … in the cart's transaction          storage/mysql TestCutObligesToRollBack
//	the disk is full                       TestDiskFull (SQLite); TestServersDiskFull (PostgreSQL and MariaDB, where mounting is allowed)
//	the clock goes back, or forward        TestClockGoesBack, TestClockGoesForward; internal/simulate TestSeeds (Drift)
//	summer time begins and ends            TestSummerTime; testdata/journey/wait_days.txt; crm TestWaitDays, TestWaitDaysSameAsLooking
//	clocks of workers disagree             TestClocksDisagree; internal/simulate TestSeeds (Drift)
//	  … with the server's                  TestMachinesDisagreeWithTheServer; crm TestSkew
//	a worker is held up and wakes late     internal/torture TestPausedWorker; internal/simulate TestSeeds (Pause)
//	SMTP: 4xx, 5xx, 421, cut, silence      TestMailServerFails: at each phase, from the fact to the mailbox
//	  … as the mailer reports it           mailer/smtp TestFaultClasses, TestFaultsInLargeBody
//	the mail system is down for long       testdata/journey/outage.txt, lost_answer.txt
//	facts come twice, late, in any order   TestFactsInAnyOrder; crm TestLateFacts, TestSameAsModel; testdata/journey/late_order.txt
//	  … with another content               crm TestConflict; storagetest Append
//	a refund after the step                TestMailInFlight; testdata/journey/refunds.txt
//	an opt-out in flight                   TestMailInFlight; testdata/journey/opt_out_late.txt
//	an erasure in flight                   TestMailInFlight; crm TestErase; testdata/journey/erased.txt
//	a fact between claim and mail          crm TestOvertakenClaim, TestErasedBetweenTwoMails
//	a mail that cannot be made             crm TestPoisonedMail, TestDatabaseAwayWhileRendering
//	a guest becomes an account in flight   TestMailInFlight; testdata/journey/guest_becomes_account.txt
//	a store is opened elsewhere meanwhile  TestOpenedWhileRunning
//	  … by many at once, or killed         TestManyOpenAtOnce of each store; storage/postgres TestKilledWhileMigrating; storage/mysql TestKilledMigrationResumes
//	the schema is newer                    storage/postgres and storage/mysql TestNewerSchema; storage/sqlite TestNewerSchemaIsRefused
//	the power fails                        storage/sqlite TestPowerCut
package failure

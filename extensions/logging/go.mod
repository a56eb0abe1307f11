module github.com/atoll-platform/atoll/extensions/logging

go 1.26

require (
	github.com/atoll-platform/atoll/sdk/fragment v0.0.0
	github.com/atoll-platform/atoll/sdk/go v0.0.0
)

replace (
	github.com/atoll-platform/atoll/sdk/fragment => ../../sdk/fragment
	github.com/atoll-platform/atoll/sdk/go => ../../sdk/go
)

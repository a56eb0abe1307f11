module github.com/atoll-platform/atoll/core/server/testdata/terminal

go 1.26

require github.com/atoll-platform/atoll/sdk/go v0.0.0

replace github.com/atoll-platform/atoll/sdk/go => ../../../../sdk/go

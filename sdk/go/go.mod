module github.com/atoll-platform/atoll/sdk/go

go 1.26

module github.com/atoll-platform/atoll/sdk/fragment

go 1.26

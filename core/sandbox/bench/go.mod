module github.com/atoll-platform/atoll/core/sandbox/bench

go 1.26.0

require (
	github.com/atoll-platform/atoll v0.0.0
	github.com/extism/go-sdk v1.7.1
)

require (
	github.com/atoll-platform/atoll/sdk/go v0.0.0 // indirect
	github.com/dylibso/observe-sdk/go v0.0.0-20240819160327-2d926c5d788a // indirect
	github.com/gobwas/glob v0.2.3 // indirect
	github.com/ianlancetaylor/demangle v0.0.0-20240805132620-81f5be970eca // indirect
	github.com/tetratelabs/wabin v0.0.0-20230304001439-f6f874872834 // indirect
	github.com/tetratelabs/wazero v1.12.0 // indirect
	go.opentelemetry.io/proto/otlp v1.3.1 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/time v0.16.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace (
	github.com/atoll-platform/atoll => ../../..
	github.com/atoll-platform/atoll/sdk/fragment => ../../../sdk/fragment
	github.com/atoll-platform/atoll/sdk/go => ../../../sdk/go
)

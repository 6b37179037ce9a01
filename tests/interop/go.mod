// SPDX-License-Identifier: Apache-2.0
module hull.invalid/interop

go 1.21

require (
	github.com/containerd/ttrpc v1.2.7
	github.com/hashicorp/yamux v0.1.2
	google.golang.org/genproto/googleapis/rpc v0.0.0-20230731190214-cbb8c96f2d6d
	google.golang.org/grpc v1.57.1
	google.golang.org/protobuf v1.33.0
)

require (
	github.com/containerd/log v0.1.0 // indirect
	github.com/golang/protobuf v1.5.3 // indirect
	github.com/sirupsen/logrus v1.9.3 // indirect
	golang.org/x/sys v0.18.0 // indirect
)

/* SPDX-License-Identifier: Apache-2.0
 *
 * How each device is rendered when all is said that can be said together, in the documented order.
 */
#ifndef HULL_TESTS_VFKIT_FORMS_H
#define HULL_TESTS_VFKIT_FORMS_H

#define MAC "5a:94:ef:00:00:01"

static const char *const vfkit_forms[] = {
	"virtio-blk,path=/x,type=dev,readonly,deviceId=a",
	"nvme,path=/x,type=image,readonly",
	"usb-mass-storage,path=/x,type=dev,readonly",
	"nbd,uri=nbd://h,readonly,deviceId=a,timeout=5,sync=none",
	"virtio-fs,sharedDir=/s,mountTag=t",
	"rosetta,mountTag=t,install,ignore-if-missing",
	"virtio-net,nat,mac=" MAC,
	"virtio-net,fd=3,mac=" MAC,
	"virtio-net,unixSocketPath=/s,mac=" MAC,
	"virtio-net,type=unixgram,path=/s,vfkitMagic=off,mac=" MAC,
	"virtio-vsock,port=1024,socketURL=/s,listen",
	"virtio-vsock,port=1024,socketURL=/s,connect",
	"virtio-serial,stdio",
	"virtio-serial,pty",
	"virtio-serial,logFilePath=/l",
	"virtio-rng",
	"virtio-balloon",
	"virtio-gpu,width=1280,height=720",
	"virtio-input,pointing",
	"virtio-input,keyboard",
};

/* What is taken, and rendered as something else. */
static const char *const vfkit_accepted[] = {
	"virtio-net,type=unixgram,path=/s,offloading=off",
};

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * A session's plumbing: one input, up to two outputs, each between a pipe or terminal and,
 * while a client is attached, a stream.
 *
 * Output goes through a ring.  Attached, the program is held up when ring and window are full;
 * with nobody attached the oldest bytes go and the program never waits.  Input that nobody can
 * read any more is thrown away.
 */
#ifndef HULL_AGENT_PUMP_H
#define HULL_AGENT_PUMP_H

#include "agent/ring.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hull_channel;
struct hull_channels;
struct hull_loop;
struct hull_source;

struct hull_output {
	struct hull_loop *loop;
	int fd; /* owned; -1 before the start and after the end */
	struct hull_source *source;
	bool watching; /* the source is waiting for more */
	bool ended;    /* nothing follows what is in the ring */
	bool widened;  /* the pipe */
	struct hull_ring ring;
	struct hull_channel *stream; /* claimed; NULL: nobody attached */
	uint64_t sent;		     /* ring position up to which the stream has it */
};

struct hull_input {
	struct hull_loop *loop;
	int fd; /* owned; -1 before the start and after the end */
	struct hull_source *source;
	bool waiting;  /* for fd to take more */
	bool terminal; /* the end is a character, not a close */
	bool widened;  /* the pipe */
	bool started, closing, closed;
	char last;		     /* written to the terminal */
	struct hull_channel *stream; /* claimed; NULL: nobody attached */
};

/* Zero-initialised storage; before anything else. */
void hull_output_init(struct hull_output *o, struct hull_loop *loop);
void hull_input_init(struct hull_input *in, struct hull_loop *loop);

/* Take @fd (also on failure); -errno. */
int hull_output_start(struct hull_output *o, int fd);
int hull_input_start(struct hull_input *in, int fd, bool terminal);

/* Take over a claimed stream's events; whoever was attached is reset. */
void hull_output_attach(struct hull_output *o, struct hull_channels *cs, const char *id,
			bool replay);
void hull_input_attach(struct hull_input *in, struct hull_channels *cs, const char *id);

/* EOF for the program after what is pending. */
void hull_input_close(struct hull_input *in);
/* The program has ended, or will never run: nobody reads any more. */
void hull_input_end(struct hull_input *in);
/* It will never run: nothing comes any more. */
void hull_output_end(struct hull_output *o);

/* Closes all; what the stream has not sent yet is lost. */
void hull_output_fini(struct hull_output *o);
void hull_input_fini(struct hull_input *in);

#endif

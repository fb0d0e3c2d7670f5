// SPDX-License-Identifier: Apache-2.0

// The table, what each action does, and how a packet becomes an event. An action may call the
// protocol, and the protocol its user, who may close the session: therefore the state is set before
// the actions run, and each list looks after every action whether another event overtook it.

#include "fsm.h"

#include <errno.h>
#include <string.h>

#define GO(state, ...) \
	{ \
		true, state, \
		{ \
			__VA_ARGS__ \
		} \
	}
#define STAY(state) GO(state, FSM_NONE)
#define NO \
	{ \
		false, 0, \
		{ \
			FSM_NONE \
		} \
	}

// Rows and columns as RFC 1661 section 4.1 prints them: first the states in which nothing is
// negotiated, then the others.
static const struct fsm_step table[FSM_EVENTS][FSM_STATES] = {
	[FSM_UP] = {GO(FSM_CLOSED, FSM_NONE), GO(FSM_REQ_SENT, FSM_IRC, FSM_SCR), NO, NO, NO, NO,
		NO, NO, NO, NO},
	[FSM_DOWN] = {NO, NO, STAY(FSM_INITIAL), GO(FSM_STARTING, FSM_TLS), STAY(FSM_INITIAL),
		STAY(FSM_STARTING), STAY(FSM_STARTING), STAY(FSM_STARTING), STAY(FSM_STARTING),
		GO(FSM_STARTING, FSM_TLD)},
	[FSM_OPEN] = {GO(FSM_STARTING, FSM_TLS), STAY(FSM_STARTING),
		GO(FSM_REQ_SENT, FSM_IRC, FSM_SCR), STAY(FSM_STOPPED), STAY(FSM_STOPPING),
		STAY(FSM_STOPPING), STAY(FSM_REQ_SENT), STAY(FSM_ACK_RCVD), STAY(FSM_ACK_SENT),
		STAY(FSM_OPENED)},
	[FSM_CLOSE] = {STAY(FSM_INITIAL), GO(FSM_INITIAL, FSM_TLF), STAY(FSM_CLOSED),
		STAY(FSM_CLOSED), STAY(FSM_CLOSING), STAY(FSM_CLOSING),
		GO(FSM_CLOSING, FSM_IRT, FSM_STR), GO(FSM_CLOSING, FSM_IRT, FSM_STR),
		GO(FSM_CLOSING, FSM_IRT, FSM_STR), GO(FSM_CLOSING, FSM_TLD, FSM_IRT, FSM_STR)},
	[FSM_TO_MORE] = {NO, NO, NO, NO, GO(FSM_CLOSING, FSM_STR), GO(FSM_STOPPING, FSM_STR),
		GO(FSM_REQ_SENT, FSM_SCR), GO(FSM_REQ_SENT, FSM_SCR), GO(FSM_ACK_SENT, FSM_SCR),
		NO},
	[FSM_TO_LAST] = {NO, NO, NO, NO, GO(FSM_CLOSED, FSM_TLF), GO(FSM_STOPPED, FSM_TLF),
		GO(FSM_STOPPED, FSM_TLF), GO(FSM_STOPPED, FSM_TLF), GO(FSM_STOPPED, FSM_TLF), NO},
	[FSM_RCR_GOOD] = {NO, NO, GO(FSM_CLOSED, FSM_STA),
		GO(FSM_ACK_SENT, FSM_IRC, FSM_SCR, FSM_SCA), STAY(FSM_CLOSING), STAY(FSM_STOPPING),
		GO(FSM_ACK_SENT, FSM_SCA), GO(FSM_OPENED, FSM_SCA, FSM_TLU),
		GO(FSM_ACK_SENT, FSM_SCA), GO(FSM_ACK_SENT, FSM_TLD, FSM_SCR, FSM_SCA)},
	[FSM_RCR_BAD] = {NO, NO, GO(FSM_CLOSED, FSM_STA),
		GO(FSM_REQ_SENT, FSM_IRC, FSM_SCR, FSM_SCN), STAY(FSM_CLOSING), STAY(FSM_STOPPING),
		GO(FSM_REQ_SENT, FSM_SCN), GO(FSM_ACK_RCVD, FSM_SCN), GO(FSM_REQ_SENT, FSM_SCN),
		GO(FSM_REQ_SENT, FSM_TLD, FSM_SCR, FSM_SCN)},
	[FSM_RCA] = {NO, NO, GO(FSM_CLOSED, FSM_STA), GO(FSM_STOPPED, FSM_STA), STAY(FSM_CLOSING),
		STAY(FSM_STOPPING), GO(FSM_ACK_RCVD, FSM_IRC), GO(FSM_REQ_SENT, FSM_SCR),
		GO(FSM_OPENED, FSM_IRC, FSM_TLU), GO(FSM_REQ_SENT, FSM_TLD, FSM_SCR)},
	[FSM_RCN] = {NO, NO, GO(FSM_CLOSED, FSM_STA), GO(FSM_STOPPED, FSM_STA), STAY(FSM_CLOSING),
		STAY(FSM_STOPPING), GO(FSM_REQ_SENT, FSM_IRC, FSM_SCR), GO(FSM_REQ_SENT, FSM_SCR),
		GO(FSM_ACK_SENT, FSM_IRC, FSM_SCR), GO(FSM_REQ_SENT, FSM_TLD, FSM_SCR)},
	[FSM_RTR] = {NO, NO, GO(FSM_CLOSED, FSM_STA), GO(FSM_STOPPED, FSM_STA),
		GO(FSM_CLOSING, FSM_STA), GO(FSM_STOPPING, FSM_STA), GO(FSM_REQ_SENT, FSM_STA),
		GO(FSM_REQ_SENT, FSM_STA), GO(FSM_REQ_SENT, FSM_STA),
		GO(FSM_STOPPING, FSM_TLD, FSM_ZRC, FSM_STA)},
	[FSM_RTA] = {NO, NO, STAY(FSM_CLOSED), STAY(FSM_STOPPED), GO(FSM_CLOSED, FSM_TLF),
		GO(FSM_STOPPED, FSM_TLF), STAY(FSM_REQ_SENT), STAY(FSM_REQ_SENT),
		STAY(FSM_ACK_SENT), GO(FSM_REQ_SENT, FSM_TLD, FSM_SCR)},
	[FSM_RUC] = {NO, NO, GO(FSM_CLOSED, FSM_SCJ), GO(FSM_STOPPED, FSM_SCJ),
		GO(FSM_CLOSING, FSM_SCJ), GO(FSM_STOPPING, FSM_SCJ), GO(FSM_REQ_SENT, FSM_SCJ),
		GO(FSM_ACK_RCVD, FSM_SCJ), GO(FSM_ACK_SENT, FSM_SCJ), GO(FSM_OPENED, FSM_SCJ)},
	[FSM_RXJ_GOOD] = {NO, NO, STAY(FSM_CLOSED), STAY(FSM_STOPPED), STAY(FSM_CLOSING),
		STAY(FSM_STOPPING), STAY(FSM_REQ_SENT), STAY(FSM_REQ_SENT), STAY(FSM_ACK_SENT),
		STAY(FSM_OPENED)},
	[FSM_RXJ_BAD] = {NO, NO, GO(FSM_CLOSED, FSM_TLF), GO(FSM_STOPPED, FSM_TLF),
		GO(FSM_CLOSED, FSM_TLF), GO(FSM_STOPPED, FSM_TLF), GO(FSM_STOPPED, FSM_TLF),
		GO(FSM_STOPPED, FSM_TLF), GO(FSM_STOPPED, FSM_TLF),
		GO(FSM_STOPPING, FSM_TLD, FSM_IRT, FSM_STR)},
	[FSM_RXR] = {NO, NO, STAY(FSM_CLOSED), STAY(FSM_STOPPED), STAY(FSM_CLOSING),
		STAY(FSM_STOPPING), STAY(FSM_REQ_SENT), STAY(FSM_ACK_RCVD), STAY(FSM_ACK_SENT),
		GO(FSM_OPENED, FSM_SER)},
};

const struct fsm_step *fsm_step(enum fsm_state state, enum fsm_event event)
{
	return &table[event][state];
}

const char *fsm_state_word(enum fsm_state state)
{
	static const char *const words[FSM_STATES] = {"initial", "starting", "closed", "stopped",
		"closing", "stopping", "req-sent", "ack-rcvd", "ack-sent", "opened"};

	return state < FSM_STATES ? words[state] : "?";
}

void fsm_init(struct fsm *fsm, const struct fsm_ops *ops, void *owner,
	const struct config_ppp *config, struct timers *timers)
{
	*fsm = (struct fsm){.ops = ops,
		.owner = owner,
		.config = config,
		.timers = timers,
		.state = FSM_INITIAL,
		.answered = true};
}

void fsm_stop(struct fsm *fsm)
{
	timer_stop(fsm->timers, &fsm->restart);
	fsm->turn++;
	fsm->state = FSM_INITIAL;
}

static bool timed(unsigned state)
{
	return state >= FSM_CLOSING && state <= FSM_ACK_SENT;
}

static void restart_fire(void *context)
{
	struct fsm *fsm = context;

	fsm->lost = fsm->left == 0;
	fsm_event(fsm, fsm->left ? FSM_TO_MORE : FSM_TO_LAST);
}

// When the timer cannot start, for want of memory, the session's setup timer is what ends it.
static void restart_timer(struct fsm *fsm)
{
	(void)timer_start(fsm->timers, &fsm->restart, fsm->config->restart_ms, restart_fire, fsm);
}

bool fsm_linger(struct fsm *fsm)
{
	if (fsm->state != FSM_STOPPING) {
		fsm->turn++;
		fsm->state = FSM_STOPPING;
		fsm->left = 0;
		restart_timer(fsm);
	}
	return timer_running(&fsm->restart);
}

static void negotiation_reset(struct fsm *fsm)
{
	fsm->naks_sent = 0;
	fsm->naks_received = 0;
	fsm->answered = true;
	fsm->heard = false;
	fsm->lost = false;
	fsm->ops->reset(fsm->owner);
}

static void request_transmit(struct fsm *fsm)
{
	uint8_t packet[WIRE_PROTOCOL + WIRE_HEADER + FSM_OPTIONS];
	struct build out = build_in(packet, sizeof(packet));
	size_t length;

	wire_begin(&out, fsm->ops->protocol, CODE_CONFIGURE_REQUEST, fsm->id);
	build_bytes(&out, fsm->request, fsm->request_length);
	length = wire_finish(&out);
	restart_timer(fsm);
	fsm->ops->send(fsm->owner, packet, length);
}

// A request that had a valid answer is followed by a new one; otherwise the same goes out again
// (RFC 1661 section 5.1 on the identifier).
static void send_request(struct fsm *fsm)
{
	struct build out = build_in(fsm->request, sizeof(fsm->request));

	if (fsm->left)
		fsm->left--;
	if (fsm->answered) {
		fsm->ops->request(fsm->owner, &out);
		fsm->request_length = out.failed ? 0 : (uint8_t)build_length(&out);
		fsm->id++;
		fsm->answered = false;
	}
	request_transmit(fsm);
}

static void send_terminate(struct fsm *fsm, uint8_t code, uint8_t id)
{
	uint8_t packet[WIRE_PROTOCOL + WIRE_HEADER];
	struct build out = build_in(packet, sizeof(packet));

	wire_begin(&out, fsm->ops->protocol, code, id);
	fsm->ops->send(fsm->owner, packet, wire_finish(&out));
}

static void send_terminate_request(struct fsm *fsm)
{
	if (fsm->left)
		fsm->left--;
	restart_timer(fsm);
	send_terminate(fsm, CODE_TERMINATE_REQUEST, ++fsm->other_id);
}

static void send_answer(struct fsm *fsm)
{
	if (view_left(&fsm->answer))
		fsm->ops->send(fsm->owner, fsm->answer.at, view_left(&fsm->answer));
}

static void layer_down(struct fsm *fsm)
{
	uint32_t turn = fsm->turn;

	fsm->ops->down(fsm->owner);
	if (fsm->turn == turn)
		negotiation_reset(fsm);
}

static void act(struct fsm *fsm, enum fsm_action action)
{
	switch (action) {
	case FSM_TLU:
		fsm->ops->up(fsm->owner);
		break;
	case FSM_TLD:
		layer_down(fsm);
		break;
	case FSM_TLF:
		fsm->ops->finished(fsm->owner, !fsm->lost);
		break;
	case FSM_IRC:
		fsm->left = fsm->config->max_configure;
		break;
	case FSM_IRT:
		fsm->left = fsm->config->max_terminate;
		break;
	case FSM_ZRC:
		fsm->left = 0;
		restart_timer(fsm);
		break;
	case FSM_SCR:
		send_request(fsm);
		break;
	case FSM_STR:
		send_terminate_request(fsm);
		break;
	case FSM_STA:
		send_terminate(fsm, CODE_TERMINATE_ACK, fsm->answer_id);
		break;
	case FSM_SCA:
	case FSM_SCN:
	case FSM_SCJ:
	case FSM_SER:
		send_answer(fsm);
		break;
	case FSM_TLS: // the lower layer is there for as long as we are
	case FSM_NONE:
		break;
	}
}

void fsm_event(struct fsm *fsm, enum fsm_event event)
{
	const struct fsm_step *step = fsm_step(fsm->state, event);
	uint32_t turn;

	if (!step->defined)
		return;
	turn = ++fsm->turn;
	fsm->state = step->next;
	if (!timed(fsm->state))
		timer_stop(fsm->timers, &fsm->restart);
	if (event == FSM_UP)
		negotiation_reset(fsm);
	for (int i = 0; i < FSM_ACTIONS && fsm->turn == turn; i++)
		act(fsm, step->actions[i]);
}

void fsm_event_answer(struct fsm *fsm, enum fsm_event event, const uint8_t *packet, size_t length)
{
	fsm->answer = view_of(packet, length);
	fsm_event(fsm, event);
	fsm->answer = (struct view){0};
}

// Sorts the peer's options into those that we reject and those that we want otherwise. -EBADMSG
// when one is malformed.
static int options_judge(
	struct fsm *fsm, struct view options, struct build *nak, struct build *reject)
{
	bool may_nak = fsm->naks_sent < fsm->config->max_failure;
	struct wire_option option;
	int more;

	fsm->ops->peer_begin(fsm->owner, options);
	while ((more = wire_option_next(&options, &option)) > 0) {
		struct build before = *nak;
		int opinion = fsm->ops->peer_option(fsm->owner, &option, nak);

		if (opinion < 0)
			return opinion;
		if (opinion == FSM_REJECT || (opinion == FSM_NAK && !may_nak)) {
			*nak = before;
			wire_option_copy(reject, &option);
		}
	}
	if (more == 0 && may_nak && fsm->ops->peer_end)
		fsm->ops->peer_end(fsm->owner, nak);
	return more;
}

static void remember_acked(struct fsm *fsm, const struct wire_control *control)
{
	size_t length = view_left(&control->body);

	fsm->acked_id = control->id;
	fsm->acked_length = length <= FSM_ACKED ? (uint8_t)length : 0;
	if (fsm->acked_length)
		memcpy(fsm->acked, control->body.at, length);
}

// Our Ack to it was lost: the request that opened us, to the byte.
static bool acked_before(const struct fsm *fsm, const struct wire_control *control)
{
	return fsm->state == FSM_OPENED && fsm->acked_length && control->id == fsm->acked_id &&
	       view_left(&control->body) == fsm->acked_length &&
	       memcmp(control->body.at, fsm->acked, fsm->acked_length) == 0;
}

// An Ack has all options as they came (RFC 1661 section 5.2).
static struct build ack_in(
	uint8_t packet[WIRE_PACKET], const struct fsm *fsm, const struct wire_control *control)
{
	struct build ack = build_in(packet, WIRE_PACKET);

	wire_begin(&ack, fsm->ops->protocol, CODE_CONFIGURE_ACK, control->id);
	wire_view(&ack, control->body, view_left(&control->body));
	return ack;
}

static void ack_again(struct fsm *fsm, const struct wire_control *control)
{
	uint8_t packet[WIRE_PACKET];
	struct build ack = ack_in(packet, fsm, control);
	size_t length = wire_finish(&ack);

	if (length)
		fsm->ops->send(fsm->owner, packet, length);
}

// Rejects go before Naks, and either before an Ack (RFC 1661 sections 5.2 to 5.4).
static void answer_request(struct fsm *fsm, const struct wire_control *control)
{
	enum { EMPTY = WIRE_PROTOCOL + WIRE_HEADER };
	uint8_t nak_packet[WIRE_PACKET], reject_packet[WIRE_PACKET];
	struct build nak = build_in(nak_packet, sizeof(nak_packet));
	struct build reject = build_in(reject_packet, sizeof(reject_packet));
	struct build *answer = &reject;
	enum fsm_event event = FSM_RCR_BAD;
	uint32_t turn = fsm->turn;
	size_t length;

	wire_begin(&nak, fsm->ops->protocol, CODE_CONFIGURE_NAK, control->id);
	wire_begin(&reject, fsm->ops->protocol, CODE_CONFIGURE_REJECT, control->id);
	if (options_judge(fsm, control->body, &nak, &reject) < 0 || fsm->turn != turn)
		return;
	if (build_length(&reject) == EMPTY && build_length(&nak) != EMPTY) {
		answer = &nak;
		fsm->naks_sent++;
	} else if (build_length(&reject) == EMPTY) {
		reject = ack_in(reject_packet, fsm, control);
		fsm->naks_sent = 0;
		remember_acked(fsm, control);
		event = FSM_RCR_GOOD;
	}
	length = wire_finish(answer);
	if (length)
		fsm_event_answer(fsm, event, answer->start, length);
}

static void input_request(struct fsm *fsm, const struct wire_control *control)
{
	fsm->answer_id = control->id;
	if (!wire_options_valid(control->body))
		return;
	if (fsm->state <= FSM_CLOSED || fsm->state == FSM_CLOSING || fsm->state == FSM_STOPPING) {
		fsm_event(fsm, FSM_RCR_BAD);
		return;
	}
	if (acked_before(fsm, control)) {
		ack_again(fsm, control);
		return;
	}
	if (fsm->state == FSM_REQ_SENT && !fsm->answered && !fsm->heard)
		request_transmit(fsm);
	answer_request(fsm, control);
	fsm->heard = true;
}

// An answer counts once, for our newest request. One to nothing tells that the peer believes in a
// link that we have closed (RFC 1661 section 4.1, states 2 and 3).
static bool answer_expected(struct fsm *fsm, const struct wire_control *control)
{
	if (fsm->state <= FSM_STOPPED)
		return true;
	return control->id == fsm->id && !fsm->answered;
}

static void input_ack(struct fsm *fsm, const struct wire_control *control)
{
	if (!answer_expected(fsm, control))
		return;
	if (fsm->state > FSM_STOPPED &&
		(view_left(&control->body) != fsm->request_length ||
			memcmp(control->body.at, fsm->request, fsm->request_length) != 0))
		return;
	fsm->answer_id = control->id;
	fsm->answered = true;
	fsm->naks_received = 0;
	fsm_event(fsm, FSM_RCA);
}

// The peer that keeps saying no to the same wish is taken to have rejected it, so that the two of
// us come to an end.
static void input_nak(struct fsm *fsm, const struct wire_control *control)
{
	struct view options = control->body;
	struct wire_option option;
	uint32_t turn = fsm->turn;
	bool reject = control->code == CODE_CONFIGURE_REJECT;

	if (!answer_expected(fsm, control) || !wire_options_valid(options))
		return;
	fsm->answer_id = control->id;
	fsm->answered = true;
	if (!reject && ++fsm->naks_received > fsm->config->max_failure)
		reject = true;
	while (fsm->turn == turn && fsm->state >= FSM_REQ_SENT &&
		wire_option_next(&options, &option) > 0)
		(reject ? fsm->ops->rejected : fsm->ops->naked)(fsm->owner, &option);
	if (fsm->turn == turn)
		fsm_event(fsm, FSM_RCN);
}

static void input_terminate(struct fsm *fsm, const struct wire_control *control)
{
	fsm->answer_id = control->id;
	fsm->lost = false;
	fsm_event(fsm, FSM_RTR);
	if (fsm->state != FSM_INITIAL && fsm->ops->terminated)
		fsm->ops->terminated(fsm->owner);
}

// A peer that does not know one of the codes that negotiation is made of cannot negotiate.
static void input_code_reject(struct fsm *fsm, const struct wire_control *control)
{
	struct view rejected = control->body;
	uint8_t code = view_u8(&rejected);

	if (rejected.failed)
		return;
	fsm->lost = false;
	fsm_event(fsm, code <= CODE_CODE_REJECT ? FSM_RXJ_BAD : FSM_RXJ_GOOD);
}

static void input_unknown(struct fsm *fsm, const struct wire_control *control)
{
	uint8_t packet[WIRE_PACKET];
	struct build out = build_in(packet, sizeof(packet));

	wire_begin(&out, fsm->ops->protocol, CODE_CODE_REJECT, ++fsm->other_id);
	build_u8(&out, control->code);
	build_u8(&out, control->id);
	build_u16(&out, (uint16_t)(view_left(&control->body) + WIRE_HEADER));
	wire_view(&out, control->body, sizeof(packet) - build_length(&out));
	fsm_event_answer(fsm, FSM_RUC, packet, wire_finish(&out));
}

void fsm_input(struct fsm *fsm, struct view packet)
{
	struct wire_control control;

	if (wire_control_parse(packet, &control) < 0 || fsm->state <= FSM_STARTING)
		return;
	switch (control.code) {
	case CODE_CONFIGURE_REQUEST:
		input_request(fsm, &control);
		break;
	case CODE_CONFIGURE_ACK:
		input_ack(fsm, &control);
		break;
	case CODE_CONFIGURE_NAK:
	case CODE_CONFIGURE_REJECT:
		input_nak(fsm, &control);
		break;
	case CODE_TERMINATE_REQUEST:
		input_terminate(fsm, &control);
		break;
	case CODE_TERMINATE_ACK:
		fsm->lost = false;
		fsm_event(fsm, FSM_RTA);
		break;
	case CODE_CODE_REJECT:
		input_code_reject(fsm, &control);
		break;
	default:
		if (!fsm->ops->extra || !fsm->ops->extra(fsm->owner, &control))
			input_unknown(fsm, &control);
	}
}

/**
 * What each channel brought so far; no DOM, no clock.
 *
 * @import {Channel, Position} from '../client/snapshot.js'
 * @import {Arrival, Status} from '../client/source.js'
 * @import {Verdict} from '../client/reconcile.js'
 *
 * @typedef {'idle' | 'live' | 'behind' | 'down'} Lamp
 */

import { comparePositions } from '../client/snapshot.js';

/** The count of one channel. */
export class ChannelTally {
  /** @type {Record<Verdict, number>} */
  counts = { applied: 0, refined: 0, duplicate: 0, stale: 0, untrusted: 0 };
  /** @type {Position | null} */
  last = null;
  /** Of the newest change that it delivered; null where it has only caught up so far. */
  lagMs = /** @type {number | null} */ (null);
  /** @type {Status} */
  status = { state: 'idle', words: 'Off' };
  #isFollowing = false;

  /**
   * @param {Arrival} arrival
   * @param {Verdict} verdict
   */
  add({ snapshot: { epoch, version }, lagMs }, verdict) {
    this.counts[verdict] += 1;
    if (this.last !== null && comparePositions({ epoch, version }, this.last) <= 0) return;
    // The first snapshot of a connection may be hours old: it says nothing of the channel's speed.
    if (this.#isFollowing) this.lagMs = lagMs;
    this.#isFollowing = true;
    this.last = { epoch, version };
  }

  /** @param {Status} status */
  set(status) {
    this.status = status;
    if (status.state === 'down' || status.state === 'connecting') this.#isFollowing = false;
  }

  /**
   * @param {Position | null} newest seen on any channel
   * @returns {Lamp}
   */
  lamp(newest) {
    const { state } = this.status;
    if (state === 'down') return 'down';
    if (state !== 'live' || this.last === null) return 'idle';
    return newest !== null && comparePositions(this.last, newest) < 0 ? 'behind' : 'live';
  }
}

/** The counts of all channels, and the newest position that any of them brought. */
export class Tally {
  /** @type {Record<Channel, ChannelTally>} */
  channels = {
    ws: new ChannelTally(),
    sse: new ChannelTally(),
    poll: new ChannelTally(),
    sei: new ChannelTally(),
  };
  /** @type {Position | null} */
  newest = null;

  /**
   * @param {Arrival} arrival
   * @param {Verdict} verdict
   */
  add(arrival, verdict) {
    this.channels[arrival.channel].add(arrival, verdict);
    if (verdict === 'untrusted') return; // anybody could have written it
    const { epoch, version } = arrival.snapshot;
    const position = { epoch, version };
    if (this.newest === null || comparePositions(position, this.newest) > 0) this.newest = position;
  }
}

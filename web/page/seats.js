/**
 * The seats of a session: the owner's above, the others in a grid.
 *
 * @import {State} from '../client/state.js'
 */

import { seatOf } from '../client/state.js';
import { SeatView } from './seat.js';

export class SeatsView {
  #host;
  #others;
  #onTake;
  /** @type {SeatView[]} */
  #seats = [];

  /**
   * @param {HTMLElement} host
   * @param {HTMLElement} others
   * @param {(seatIndex: number) => void} onTake
   */
  constructor(host, others, onTake) {
    this.#host = host;
    this.#others = others;
    this.#onTake = onTake;
  }

  /**
   * Shows a state; seats are kept, so that the focus stays where it is.
   *
   * @param {State} state
   * @param {string | null} userId who acts
   */
  show(state, userId) {
    while (this.#seats.length > state.seats.length) this.#seats.pop()?.node.remove();
    const isSeated = seatOf(state, userId) !== undefined;
    for (const seat of state.seats) {
      const view = this.#viewOf(seat.index);
      const isHost = seat.index === state.ownerSeat;
      const parent = isHost ? this.#host : this.#others;
      if (view.node.parentNode !== parent) parent.append(view.node);
      const mayTake = userId !== null && !seat.locked && (!isHost || state.ownerId === userId);
      view.show(seat, { isHost, userId, offer: mayTake ? (isSeated ? 'Move' : 'Take') : null });
    }
  }

  /** @param {number} index */
  #viewOf(index) {
    const known = this.#seats[index];
    if (known !== undefined) return known;
    const view = new SeatView(index, () => this.#onTake(index));
    this.#seats.push(view);
    return view;
  }
}

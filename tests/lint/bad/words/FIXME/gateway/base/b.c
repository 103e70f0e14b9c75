/* FIXME: later */

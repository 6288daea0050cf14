// A VFS over SQLite's own that gathers the writes to the WAL, and hands them to the kernel as one.
//
// SQLite writes each page of a commit in two calls, a frame's header and the page; a commit of fifty pages is a hundred
// calls, which cost more than its sync. What is gathered is written before anything else happens to the WAL: a sync, a
// read, a change of its size. With synchronous=FULL a commit syncs the WAL before it tells other connections of its
// frames, so none looks for what is still gathered.
#pragma once

namespace chatrelay::store::sqlite {

// The name of the VFS for the connection that writes; registers it at the first call. Thread: any. nullptr (SQLite's
// default) if it cannot be registered.
const char* gathering_vfs();

}  // namespace chatrelay::store::sqlite

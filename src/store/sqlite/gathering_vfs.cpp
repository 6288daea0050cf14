#include "store/sqlite/gathering_vfs.hpp"

#include <cstddef>
#include <cstring>
#include <new>

#include <sqlite3.h>

namespace chatrelay::store::sqlite {
namespace {

constexpr int gathered_max = 120 << 10;  // Limit: bytes; SQLite's unix VFS takes less than 128 KiB at once

sqlite3_vfs* inner_vfs = nullptr;  // SQLite's default; set before the VFS is registered

// A file as SQLite sees it; the default VFS's own file lies behind it in memory.
struct File {
  sqlite3_file base;
  unsigned char* gathered;  // gathered_max bytes
  sqlite3_int64 offset;     // where they belong
  int size;                 // how many wait
};

File* gathering(sqlite3_file* file) {
  return reinterpret_cast<File*>(file);
}
sqlite3_file* inner(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(gathering(file) + 1);
}
const sqlite3_io_methods& methods(sqlite3_file* file) {
  return *inner(file)->pMethods;
}

// What cannot be written stays gathered no longer: SQLite learns of it now and rolls back.
int flush(sqlite3_file* file) {
  File* f = gathering(file);
  if (f->size == 0) return SQLITE_OK;
  const int size = f->size;
  f->size = 0;
  return methods(file).xWrite(inner(file), f->gathered, size, f->offset);
}

template <class Call>
int flushed(sqlite3_file* file, Call call) {
  const int code = flush(file);
  return code == SQLITE_OK ? call() : code;
}

int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  File* f = gathering(file);
  if (f->size > 0 && (offset != f->offset + f->size || size > gathered_max - f->size))
    if (const int code = flush(file); code != SQLITE_OK) return code;
  if (size > gathered_max) return methods(file).xWrite(inner(file), bytes, size, offset);
  if (f->size == 0) f->offset = offset;
  std::memcpy(f->gathered + f->size, bytes, static_cast<std::size_t>(size));
  f->size += size;
  return SQLITE_OK;
}

int close(sqlite3_file* file) {
  const int written = flush(file);
  const int closed = methods(file).xClose(inner(file));
  sqlite3_free(gathering(file)->gathered);
  return written != SQLITE_OK ? written : closed;
}

int read(sqlite3_file* file, void* bytes, int size, sqlite3_int64 offset) {
  return flushed(file, [&] { return methods(file).xRead(inner(file), bytes, size, offset); });
}
int truncate(sqlite3_file* file, sqlite3_int64 size) {
  return flushed(file, [&] { return methods(file).xTruncate(inner(file), size); });
}
int sync(sqlite3_file* file, int flags) {
  return flushed(file, [&] { return methods(file).xSync(inner(file), flags); });
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return flushed(file, [&] { return methods(file).xFileSize(inner(file), size); });
}
int lock(sqlite3_file* file, int level) {
  return methods(file).xLock(inner(file), level);
}
int unlock(sqlite3_file* file, int level) {
  return flushed(file, [&] { return methods(file).xUnlock(inner(file), level); });
}
int check_reserved_lock(sqlite3_file* file, int* held) {
  return methods(file).xCheckReservedLock(inner(file), held);
}
int file_control(sqlite3_file* file, int what, void* argument) {
  return flushed(file, [&] { return methods(file).xFileControl(inner(file), what, argument); });
}
int sector_size(sqlite3_file* file) {
  return methods(file).xSectorSize(inner(file));
}
int device_characteristics(sqlite3_file* file) {
  return methods(file).xDeviceCharacteristics(inner(file));
}

// Version 1: shared memory and memory-mapped reading are the database file's.
constexpr sqlite3_io_methods gathering_methods = [] {
  sqlite3_io_methods all{};
  all.iVersion = 1;
  all.xClose = close;
  all.xRead = read;
  all.xWrite = write;
  all.xTruncate = truncate;
  all.xSync = sync;
  all.xFileSize = file_size;
  all.xLock = lock;
  all.xUnlock = unlock;
  all.xCheckReservedLock = check_reserved_lock;
  all.xFileControl = file_control;
  all.xSectorSize = sector_size;
  all.xDeviceCharacteristics = device_characteristics;
  return all;
}();

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  // Not the database: a checkpoint that a reader stops half way says what it copied without a sync.
  if ((flags & SQLITE_OPEN_WAL) == 0) return inner_vfs->xOpen(inner_vfs, name, file, flags, flags_out);
  file->pMethods = nullptr;
  auto* gathered = static_cast<unsigned char*>(sqlite3_malloc(gathered_max));
  if (!gathered) return SQLITE_NOMEM;
  new (file) File{{nullptr}, gathered, 0, 0};
  const int code = inner_vfs->xOpen(inner_vfs, name, inner(file), flags, flags_out);
  if (code != SQLITE_OK) {
    if (inner(file)->pMethods) inner(file)->pMethods->xClose(inner(file));
    sqlite3_free(gathered);
    return code;
  }
  file->pMethods = &gathering_methods;
  return SQLITE_OK;
}

const char* register_vfs() {
  inner_vfs = sqlite3_vfs_find(nullptr);
  if (!inner_vfs) return nullptr;
  // Everything but opening is the default's: it gets its own object, not ours, since its functions know it.
  static sqlite3_vfs vfs = *inner_vfs;
  static_assert(sizeof(File) % alignof(std::max_align_t) == 0, "the default's file lies behind ours");
  vfs.szOsFile = static_cast<int>(sizeof(File)) + inner_vfs->szOsFile;
  vfs.zName = "chatrelay-gathering";
  vfs.pNext = nullptr;
  vfs.xOpen = open;
  return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK ? vfs.zName : nullptr;
}

}  // namespace

const char* gathering_vfs() {
  static const char* const name = register_vfs();
  return name;
}

}  // namespace chatrelay::store::sqlite

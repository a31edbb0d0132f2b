/* h5py's filter `lzf` in HDF5's pipeline of chunks. Its values: revision of the filter, version of LZF, bytes of a chunk. */
#include "io/hdf5_impl.h"

#include "io/lzf.h"

enum { FILTER = 32000, REVISION = 4, LZF_VERSION = 0x0105, N_VALUES = 3 };

/* A chunk that does not become smaller is 0 bytes: HDF5 then stores it as it is, for the filter is optional. Expanded it must be as large as a chunk, at least: HDF5 takes it on trust. */
static size_t Filter(unsigned flags, size_t n_values, const unsigned values[], size_t n, size_t *size, void **buffer)
{
  const bool   expand   = flags & H5Z_FLAG_REVERSE;
  const size_t at_least = n_values >= N_VALUES ? values[2] : 1, room = expand ? NomosLzfExpandedSize(*buffer, n) : n - 1;
  void        *made     = n > 1 && room && (!expand || room >= at_least) ? H5allocate_memory(room, false) : NULL;
  size_t       n_made   = 0;

  if (made) n_made = !expand ? NomosLzfCompress(*buffer, n, made, room) : NomosLzfExpand(*buffer, n, made, room) ? room : 0;
  if (!n_made) {
    H5free_memory(made);
    return 0;
  }
  H5free_memory(*buffer);
  *buffer = made;
  *size   = room;
  return n_made;
}

void NomosH5RegisterLzf(void)
{
  static const H5Z_class2_t filter = {.version = H5Z_CLASS_T_VERS, .id = FILTER, .encoder_present = 1, .decoder_present = 1, .name = "lzf", .filter = Filter};
  static bool               registered;

  if (!registered) registered = H5Zregister(&filter) >= 0;
}

herr_t NomosH5SetLzf(hid_t properties, size_t chunk_bytes)
{
  return H5Pset_filter(properties, FILTER, H5Z_FLAG_OPTIONAL, N_VALUES, (unsigned[]){REVISION, LZF_VERSION, (unsigned)chunk_bytes});
}

bool NomosH5CheckLzf(hid_t dataset)
{
  hid_t    properties = H5Dget_create_plist(dataset), type = H5Dget_type(dataset);
  size_t   n = N_VALUES, bytes = H5Tget_size(type);
  hsize_t  chunk[H5S_MAX_RANK];
  unsigned values[N_VALUES] = {0}, flags;
  bool     good             = true;

  if (H5Pget_layout(properties) == H5D_CHUNKED && H5Pget_filter_by_id2(properties, FILTER, &flags, &n, values, 0, NULL, NULL) >= 0) {
    const int n_dims = H5Pget_chunk(properties, H5S_MAX_RANK, chunk);
    for (int d = 0; d < n_dims; d++) bytes *= chunk[d];
    good = n >= N_VALUES && values[2] >= bytes;
  }
  H5Tclose(type);
  H5Pclose(properties);
  return good;
}

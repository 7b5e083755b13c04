#include "data/audio/ffmpeg.h"

#include <dlfcn.h>

#include "base/error.h"

namespace emosweep::data {
namespace {

// The version whose headers this was compiled with: its functions and structs are known to fit.
void* open_library(const char* name, int major) {
  const std::string file = std::string(name) + ".so." + std::to_string(major);
  void* const library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    throw RunError("recordings cannot be decoded: " + std::string(::dlerror()) +
                   "; install FFmpeg's libraries (scripts/setup does)");
  return library;
}

std::string version_text(const char* name, unsigned version) {
  return std::string(name) + " " + std::to_string(version >> 16) + "." +
         std::to_string(version >> 8 & 255) + "." + std::to_string(version & 255);
}

}  // namespace

Ffmpeg::Ffmpeg() {
  void* library = nullptr;
  const auto find = [&library](auto& function, const char* name) {
    function =
        reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
    if (function == nullptr)
      throw RunError("recordings cannot be decoded: FFmpeg's libraries have no function " +
                     std::string(name));
  };
#define EMO_FIND(name) find(name, #name)
  library = open_library("libavutil", LIBAVUTIL_VERSION_MAJOR);
  EMO_FIND(av_log_set_level);
  EMO_FIND(av_max_alloc);
  EMO_FIND(av_malloc);
  EMO_FIND(av_freep);
  EMO_FIND(av_strerror);
  EMO_FIND(av_dict_set);
  EMO_FIND(av_dict_free);
  EMO_FIND(av_opt_set_int);
  EMO_FIND(av_frame_alloc);
  EMO_FIND(av_frame_free);
  EMO_FIND(av_frame_unref);
  library = open_library("libavcodec", LIBAVCODEC_VERSION_MAJOR);
  EMO_FIND(avcodec_version);
  EMO_FIND(avcodec_find_decoder);
  EMO_FIND(avcodec_get_name);
  EMO_FIND(avcodec_alloc_context3);
  EMO_FIND(avcodec_free_context);
  EMO_FIND(avcodec_parameters_to_context);
  EMO_FIND(avcodec_open2);
  EMO_FIND(avcodec_send_packet);
  EMO_FIND(avcodec_receive_frame);
  EMO_FIND(av_packet_alloc);
  EMO_FIND(av_packet_free);
  EMO_FIND(av_packet_unref);
  library = open_library("libavformat", LIBAVFORMAT_VERSION_MAJOR);
  EMO_FIND(avformat_version);
  EMO_FIND(avformat_alloc_context);
  EMO_FIND(avformat_open_input);
  EMO_FIND(avformat_find_stream_info);
  EMO_FIND(avformat_close_input);
  EMO_FIND(av_read_frame);
  EMO_FIND(avio_alloc_context);
  EMO_FIND(avio_context_free);
  library = open_library("libswresample", LIBSWRESAMPLE_VERSION_MAJOR);
  EMO_FIND(swresample_version);
  EMO_FIND(swr_alloc_set_opts2);
  EMO_FIND(swr_init);
  EMO_FIND(swr_free);
  EMO_FIND(swr_convert);
#undef EMO_FIND
  av_max_alloc(256u << 20);        // a header that asks for more is a hostile one
  av_log_set_level(AV_LOG_QUIET);  // what is wrong with a file is told once, by our own errors
}

std::string Ffmpeg::text(int error) const {
  char buffer[AV_ERROR_MAX_STRING_SIZE] = "unknown error";
  av_strerror(error, buffer, sizeof buffer);
  return buffer;
}

const Ffmpeg& ffmpeg() {
  static const Ffmpeg functions;
  return functions;
}

std::string ffmpeg_versions() {
  const Ffmpeg& ff = ffmpeg();
  return version_text("libavformat", ff.avformat_version()) + ", " +
         version_text("libavcodec", ff.avcodec_version()) + ", " +
         version_text("libswresample", ff.swresample_version());
}

}  // namespace emosweep::data

# The reader and writer of ONNX messages, generated from Debian's onnx.proto.
find_path(ONNX_PROTO_FOLDER onnx.proto PATH_SUFFIXES onnx)
find_program(PROTOC_C protoc-c)
if(NOT ONNX_PROTO_FOLDER OR NOT PROTOC_C)
  message(FATAL_ERROR "onnx.proto or protoc-c was not found (Debian: libonnx-dev, protobuf-c-compiler)")
endif()
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c)
set(onnx_generated ${PROJECT_BINARY_DIR}/onnx_proto)
file(MAKE_DIRECTORY ${onnx_generated})
add_custom_command(
  OUTPUT ${onnx_generated}/onnx.pb-c.c ${onnx_generated}/onnx.pb-c.h
  COMMAND ${PROTOC_C} --proto_path=${ONNX_PROTO_FOLDER} --c_out=${onnx_generated} onnx.proto
  DEPENDS ${ONNX_PROTO_FOLDER}/onnx.proto)
add_library(onnx_proto OBJECT ${onnx_generated}/onnx.pb-c.c ${onnx_generated}/onnx.pb-c.h)
target_include_directories(onnx_proto SYSTEM PUBLIC ${onnx_generated})
target_link_libraries(onnx_proto PUBLIC PkgConfig::PROTOBUF_C)

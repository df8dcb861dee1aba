# cmake --install: the executable, the controller for other programs, the libraries with their headers,
# the models, a pkg-config file.
#
# A MuJoCo other than the system's is installed too, with its headers and licence, in espalier's own folders: what is
# installed works when the build folder is gone, and no other program picks up that MuJoCo by accident.
set(ESP_PC_MUJOCO "-lmujoco")
if(MUJOCO_BUNDLED)
  set(mujoco_libdir ${CMAKE_INSTALL_LIBDIR}/espalier)
  file(RELATIVE_PATH from_bin "/${CMAKE_INSTALL_BINDIR}" "/${mujoco_libdir}")
  set_target_properties(espalier PROPERTIES INSTALL_RPATH "$ORIGIN/${from_bin}")
  set_target_properties(espalier_controller PROPERTIES INSTALL_RPATH "$ORIGIN/espalier")
  get_filename_component(mujoco_file ${MUJOCO_LIBRARY} NAME)
  file(CREATE_LINK ${mujoco_file} ${PROJECT_BINARY_DIR}/libmujoco.so SYMBOLIC) # for -lmujoco
  install(FILES ${MUJOCO_LIBRARY} ${PROJECT_BINARY_DIR}/libmujoco.so DESTINATION ${mujoco_libdir})
  install(DIRECTORY ${MUJOCO_INCLUDE}/mujoco DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/espalier)
  install(FILES ${MUJOCO_LICENCES} DESTINATION ${CMAKE_INSTALL_DOCDIR}/mujoco)
  set(ESP_PC_MUJOCO "-L\${libdir}/espalier -Wl,-rpath,\${libdir}/espalier -lmujoco")
endif()
install(TARGETS espalier espalier_controller)
# The libraries from the top down, as a linker wants static ones.
get_property(modules GLOBAL PROPERTY ESP_MODULES)
list(REVERSE modules)
foreach(module ${modules})
  install(TARGETS esp_${module} ARCHIVE)
  string(APPEND ESP_PC_MODULES " -lesp_${module}")
endforeach()
foreach(module ${modules} plugin)
  install(FILES ${module}/${module}.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/espalier/${module})
endforeach()
install(DIRECTORY models DESTINATION ${CMAKE_INSTALL_DATADIR}/espalier)
if(ESP_WITH_VIEWER)
  set(ESP_PC_GLFW " glfw3")
endif()
# gcc finds its own OpenMP library; other compilers need the path.
set(ESP_PC_OPENMP "-lgomp")
if(NOT CMAKE_C_COMPILER_ID STREQUAL "GNU")
  set(ESP_PC_OPENMP "")
  foreach(library ${OpenMP_C_LIB_NAMES})
    string(APPEND ESP_PC_OPENMP " ${OpenMP_${library}_LIBRARY}")
  endforeach()
endif()
# From the folder of the pkg-config file to the prefix, so that `--prefix` works and the folder can move.
file(RELATIVE_PATH ESP_PC_UP "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file(espalier.pc.in espalier.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/espalier.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

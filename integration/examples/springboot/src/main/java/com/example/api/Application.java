package com.example.api;

import java.util.List;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/**
 * A resource server: GET /protected for any valid token of the audience, GET /admin for those with
 * the role admin. Settings: ISSUER, AUDIENCE, ADDR.
 */
@SpringBootApplication
@RestController
public class Application {

  public static void main(String[] args) {
    String addr = System.getenv().getOrDefault("ADDR", "127.0.0.1:3006");
    int colon = addr.lastIndexOf(':');
    SpringApplication application = new SpringApplication(Application.class);
    application.setDefaultProperties(
        Map.of("server.address", addr.substring(0, colon), "server.port", addr.substring(colon + 1)));
    // After SIGTERM and an orderly end the JVM would still report 143.
    SpringApplication.getShutdownHandlers().add(() -> Runtime.getRuntime().halt(0));
    application.run(args);
  }

  @GetMapping({"/protected", "/admin"})
  Map<String, Object> whoami(@AuthenticationPrincipal Jwt token) {
    List<String> roles = token.getClaimAsStringList("roles");
    return Map.of("subject", token.getSubject(), "roles", roles == null ? List.of() : roles);
  }
}
